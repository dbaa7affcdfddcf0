import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { findOriginError } from '../emulators/same-site.ts'
import { inspectorPath } from '../inspector/http.ts'

/** Handles a request below `/_inspector`; returns whether it did. */
type Handle = (request: IncomingMessage, response: ServerResponse) => boolean

/** The inspector's page, served on this machine. */
export interface ServedInspector {
  /** The address to open. It has the token that the page needs. */
  readonly address: string
  close(): Promise<void>
}

const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'content-type': 'text/plain' }

/**
 * Serves the page at a port of the loopback (0: a free one). Its data is that of a deployed line, so a request needs the
 * random token of the address: the first one brings it, and a cookie of this port carries it from then on. Requests with
 * another `Host` and from pages of other sites are refused. Rejects with the system's error when the port is in use.
 */
export async function serveInspector(handle: Handle, port = 0): Promise<ServedInspector> {
  const token = randomBytes(24).toString('base64url')
  const server = createServer((request, response) => onRequest({ handle, token, request, response }))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${bound}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Exchange {
  readonly handle: Handle
  readonly token: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function onRequest({ handle, token, request, response }: Exchange): void {
  const { status, text, more } = decide(token, request)
  if (status === 200 && handle(request, response)) return
  response.writeHead(status === 200 ? 404 : status, { ...headers, ...more }).end(text)
}

interface Decision {
  /** 200: the request may pass. */
  readonly status: 200 | 303 | 400 | 401 | 403
  readonly text: string
  readonly more?: Readonly<Record<string, string>>
}

function decide(token: string, request: IncomingMessage): Decision {
  const originError = findOriginError(request)
  if (originError !== undefined) return { status: 403, text: originError }
  const { url = '/', socket } = request
  if (!URL.canParse(url, 'http://localhost')) return { status: 400, text: `Expected a path, got ${url}.` }
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const cookie = `trunkline-inspect-${socket.localPort}` // cookies of a host are those of all its ports
  if (pathname === '/' && isEqual(searchParams.get('token'), token)) {
    const more = { location: inspectorPath, 'set-cookie': `${cookie}=${token}; HttpOnly; SameSite=Strict; Path=/` }
    return { status: 303, text: '', more }
  }
  return isEqual(cookieOf(request, cookie), token)
    ? { status: 200, text: `There is nothing at ${pathname}.` }
    : { status: 401, text: 'Open the address that trunkline inspect printed: it has the token that this page needs.' }
}

function cookieOf({ headers: { cookie = '' } }: IncomingMessage, name: string): string | null {
  const found = cookie.split(';').find((each) => each.trim().startsWith(`${name}=`))
  return found === undefined ? null : found.trim().slice(name.length + 1)
}

function isEqual(given: string | null, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
