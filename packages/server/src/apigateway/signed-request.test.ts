import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, describe, expect, it } from 'vitest'
import { createApiGateway } from './gateway.ts'
import { SignedClient } from './signed-request.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listen(handle: RequestListener): Promise<string> {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Node's SHA-256 as the SDK's signer takes it. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: Uint8Array) {
    this.#hash.update(data)
  }
  async digest() {
    return new Uint8Array(this.#hash.digest())
  }
}

interface Received {
  readonly request: IncomingMessage
  readonly body: string
}

/** What the SDK's signer signs a received request with, at the time that the request names. */
async function signedBySdk({ request, body }: Received, credentials: typeof plain): Promise<string | undefined> {
  const signer = new SignatureV4({
    credentials,
    region: 'eu-west-1',
    service: 'execute-api',
    sha256: Sha256 as never,
    applyChecksum: false,
  })
  const time = String(request.headers['x-amz-date'])
  const [, names = ''] = /SignedHeaders=([^,]+)/.exec(String(request.headers.authorization)) ?? []
  const headers = Object.fromEntries(names.split(';').map((name) => [name, String(request.headers[name])]))
  const signed = await signer.sign(
    { method: 'POST', protocol: 'http:', hostname: 'unused', path: request.url ?? '', headers, body },
    { signingDate: new Date(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')) },
  )
  return signed.headers.authorization
}

const plain = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

describe('a signed post', () => {
  it.each([
    ['a text', '/prod', 'PJqB0fHsqRcCHlw=', '{"id":1}', plain],
    ['a text of more than one byte a character', '/prod', 'c1=', 'ü 🎉', plain],
    ['an empty text', '/prod', 'c1=', '', plain],
    ['the credentials of a role', '/prod', 'c1=', 'x', { ...plain, sessionToken: 'FwoGZXIvYXdzEBYaD+/=' }],
    ['an empty session token', '/prod', 'c1=', 'x', { ...plain, sessionToken: '' }],
    ['a custom domain without a mapping', '', 'c1=', 'x', plain],
    ['a mapping with a slash at its end', '/chat/v1/', 'c1=', 'x', plain],
    ['a mapping with a space', '/a%20b', 'c1=', 'x', plain],
    ['an id that a URL must escape', '/prod', "a/b?c=d&e#f%'(*)!", 'x', plain],
  ])("has the signature of the SDK's signer: %s", async (_, base, connectionId, text, credentials) => {
    const received: Received[] = []
    const origin = await listen(async (request, response) => {
      let body = ''
      for await (const part of request.setEncoding('utf8')) body += part
      received.push({ request, body })
      response.end()
    })
    const gateway = createApiGateway({ callbackUrl: origin + base, region: 'eu-west-1', credentials })
    expect(await gateway.post(connectionId, text)).toEqual({ status: 'posted' })
    const [got] = received
    if (got === undefined) throw new Error('no request came')
    expect(got.request.url).toBe(`${base.replace(/\/$/, '')}/@connections/${encodeURIComponent(connectionId)}`)
    expect(got.body).toBe(text)
    expect(got.request.headers['x-amz-security-token']).toBe(
      ('sessionToken' in credentials && credentials.sessionToken) || undefined,
    )
    expect(got.request.headers.authorization?.replaceAll(', ', ',')).toBe(
      (await signedBySdk(got, credentials))?.replaceAll(', ', ','),
    )
  })

  it('is signed with the time of the API after a refusal by a clock that is an hour ahead', async () => {
    const ahead = Date.now() + 3_600_000
    const times: number[] = []
    const origin = await listen((request, response) => {
      const time = String(request.headers['x-amz-date'])
      times.push(Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')))
      const isRefused = Math.abs((times.at(-1) ?? 0) - ahead) > 300_000
      response.writeHead(isRefused ? 403 : 200, { date: new Date(ahead).toUTCString() }).end()
    })
    const gateway = createApiGateway({ callbackUrl: origin, region: 'eu-west-1', credentials: plain })
    expect(await gateway.post('c1', 'x')).toMatchObject({ status: 'failed', unknown: false })
    expect(await gateway.post('c1', 'x')).toEqual({ status: 'posted' })
    expect(await gateway.post('c1', 'x')).toEqual({ status: 'posted' })
  })

  it('ends at its deadline when no credentials are found', async () => {
    const client = new SignedClient({
      callbackUrl: new URL('http://127.0.0.1:1/prod'),
      sockets: 1,
      ...{ connectionTimeoutMs: 1_000, requestTimeoutMs: 20 },
      credentials: () => new Promise(() => {}),
      region: async () => 'eu-west-1',
    })
    const failed = { status: 'failed', unknown: true, reason: 'DeadlineError: No response within 20 ms.' }
    expect(await client.post({ connectionId: 'c1', text: 'x' })).toEqual(failed)
  })

  it('is known not to be sent when no connection is made in time', async () => {
    const client = new SignedClient({
      callbackUrl: new URL('http://127.0.0.1/prod'),
      sockets: 1,
      open: () => Object.assign(new Socket(), { connecting: true }), // it never connects
      ...{ connectionTimeoutMs: 50, requestTimeoutMs: 5_000 },
      credentials: async () => plain,
      region: async () => 'eu-west-1',
    })
    const failed = { status: 'failed', unknown: false, retry: true, reason: 'Error: No connection within 50 ms.' }
    expect(await client.post({ connectionId: 'c1', text: 'x' })).toEqual(failed)
  })

  it('takes a redirect for a failure', async () => {
    const origin = await listen((_request, response) => response.writeHead(302, { location: '/' }).end())
    const gateway = createApiGateway({ callbackUrl: origin, region: 'eu-west-1', credentials: plain })
    const failed = { status: 'failed', unknown: true, reason: 'Unknown (302): UnknownError' }
    expect(await gateway.post('c1', 'x')).toEqual(failed)
  })
})
