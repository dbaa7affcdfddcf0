import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { LineAddresses } from './stage.ts'

/** A proxy in front of a line, as offices have them. */
export interface OfficeProxy extends AsyncDisposable {
  readonly addresses: LineAddresses
  /** The numbers of upgrades that it refused and passed, and of HTTP requests that it passed. */
  readonly seen: { refused: number; upgraded: number; requests: number }
  /** Makes it refuse to upgrade connections to WebSockets, with a page of its own. It ends those that are open. */
  blockSockets(isBlocked: boolean): void
}

const page = '<html><body>Blocked by the network policy.</body></html>'
const refusal = [
  ...['HTTP/1.1 403 Forbidden', 'Content-Type: text/html', `Content-Length: ${page.length}`, 'Connection: close'],
  ...['', page],
].join('\r\n')

/** Starts a proxy that passes everything. */
export async function startProxy(line: LineAddresses): Promise<OfficeProxy> {
  const target = new URL(line.httpUrl)
  const sockets = new Set<Duplex>()
  const seen = { refused: 0, upgraded: 0, requests: 0 }
  let isBlocked = false

  const server = createServer((incoming, outgoing) => {
    seen.requests += 1
    passRequest(incoming, outgoing, target)
  })
  server.on('upgrade', (incoming, socket, head) => {
    seen[isBlocked ? 'refused' : 'upgraded'] += 1
    if (isBlocked) return void socket.end(refusal)
    const upstream = connect(Number(target.port), target.hostname)
    joinSockets(socket, upstream, sockets)
    upstream.write(`${headOf(incoming, target.host)}\r\n\r\n`)
    upstream.write(head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  const throughHere = (url: string) => url.replace(target.host, `127.0.0.1:${address.port}`)
  return {
    addresses: { url: throughHere(line.url), httpUrl: throughHere(line.httpUrl) },
    seen,
    blockSockets(blocks) {
      isBlocked = blocks
      if (blocks) for (const socket of [...sockets]) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets]) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Passes one request and its response. */
function passRequest(incoming: IncomingMessage, outgoing: ServerResponse, { hostname, port, host }: URL): void {
  const { method, url, headers } = incoming
  const upstream = request({ hostname, port, method, path: url, headers: { ...headers, host } }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers)
    response.pipe(outgoing)
  })
  upstream.on('error', () => outgoing.destroy())
  incoming.pipe(upstream)
}

/** The head of an upgrade, for another host. */
function headOf({ method, url, rawHeaders }: IncomingMessage, host: string): string {
  const lines = [`${method} ${url} HTTP/1.1`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    lines.push(`${name}: ${name.toLowerCase() === 'host' ? host : value}`)
  }
  return lines.join('\r\n')
}

function joinSockets(client: Duplex, upstream: Socket, sockets: Set<Duplex>): void {
  sockets.add(client)
  client.pipe(upstream).pipe(client)
  const end = () => {
    sockets.delete(client)
    client.destroy()
    upstream.destroy()
  }
  for (const each of [client, upstream]) each.on('error', end).on('close', end)
}
