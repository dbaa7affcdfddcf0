import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, vi } from 'vitest'
import { createApiGateway } from './gateway.ts'
import { socketsTo } from './open-socket.ts'
import { accepted, listen, sockets, tls } from './real-server.suite.ts'
import { SocketPool } from './socket-pool.ts'

const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const posted = { status: 'posted' }

async function gatewayTo(server: Server, protocol: 'http' | 'https' = 'http') {
  const callbackUrl = `${protocol}://localhost:${await listen(server)}/dev`
  return createApiGateway({ callbackUrl, ...access, requestTimeoutMs: 30_000, clock: { now: () => 5 } })
}

/** Sends requests over one socket. */
async function poolOfOne(server: Server, connectionTimeoutMs = 10_000) {
  const open = socketsTo(new URL(`http://127.0.0.1:${await listen(server)}`))
  const pool = new SocketPool({ open, sockets: 1, connectionTimeoutMs, clock: { now: () => 5 } })
  const request = { text: 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', encoding: 'latin1' as const }
  return () => {
    let end = () => {}
    const status = new Promise<number>((resolve, reject) => {
      end = pool.send(request, { done: (response) => resolve(response.status), fail: reject })
    })
    return { status, end }
  }
}

/** A server that sends `answer` when the request on a socket is complete, by its length. */
function rawServer(answer: (socket: Socket, request: number) => void): Server {
  return createTcpServer((socket) => {
    let received = ''
    let requests = 0
    socket.on('data', (bytes) => {
      received += bytes.toString()
      const [, head = '', length = ''] = /^(.*?content-length: (\d+).*?\r\n\r\n)/is.exec(received) ?? []
      if (head === '' || received.length < head.length + Number(length)) return
      received = ''
      requests += 1
      answer(socket, requests)
    })
  })
}

describe('a post over TLS', () => {
  it('verifies the certificate, reuses its socket, and resumes the session on the next one', async () => {
    const seen: { readonly socket: TLSSocket; readonly isResumed: boolean; readonly body: string }[] = []
    const server = createTlsServer(tls, async (request, response) => {
      const socket = request.socket as TLSSocket
      let body = ''
      for await (const part of request.setEncoding('utf8')) body += part
      seen.push({ socket, isResumed: socket.isSessionReused(), body })
      response.setHeader('connection', seen.length === 2 ? 'close' : 'keep-alive').end()
    })
    const gateway = await gatewayTo(server, 'https')
    expect(await gateway.post('c1', 'x')).toMatchObject({
      ...{ status: 'failed', unknown: false }, // nothing is sent before the handshake ends
      reason: expect.stringMatching(/certificate/i),
    })
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0') // the certificate is of no known authority
    const texts = ['ü 🎉', 'x'.repeat(131_072), 'third']
    for (const text of texts) expect(await gateway.post('c1', text)).toEqual(posted)
    expect(seen.map(({ body }) => body)).toEqual(texts)
    expect(seen[0]?.socket).toBe(seen[1]?.socket)
    expect(seen.map(({ isResumed }) => isResumed)).toEqual([false, false, true])
  })
})

describe('a socket', () => {
  it('is read byte by byte as well as at once', async () => {
    const bytes = 'HTTP/1.1 410 Gone\r\nx-amzn-errortype: GoneException\r\ncontent-length: 2\r\n\r\n{}'
    const server = rawServer(async (socket) => {
      for (const byte of bytes)
        await new Promise<void>((resolve) => socket.setNoDelay(true).write(byte, () => resolve()))
    })
    const gateway = await gatewayTo(server)
    expect(await gateway.post('c1', 'x')).toEqual({ status: 'gone' })
    expect(await gateway.post('c1', 'x')).toEqual({ status: 'gone' })
    expect(sockets.size).toBe(1)
  })

  it.each([
    ['the server closes it after the response', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'],
    ['more bytes follow the response', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n'],
  ])('is not used again when %s', async (_, bytes) => {
    const gateway = await gatewayTo(rawServer((socket) => socket.write(bytes)))
    expect([await gateway.post('c1', '1'), await gateway.post('c1', '2')]).toEqual([posted, posted])
    expect(sockets.size).toBe(2)
  })

  it('is not used again when bytes arrive between two requests', async () => {
    const server = rawServer((socket) => socket.write(accepted))
    const gateway = await gatewayTo(server)
    await gateway.post('c1', '1')
    const [first] = sockets
    const closed = new Promise((resolve) => first?.once('close', resolve))
    first?.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n')
    await closed
    expect(await gateway.post('c1', '2')).toEqual(posted)
    expect(sockets.size).toBe(2)
  })

  it('whose response is no HTTP fails its post as unknown', async () => {
    const gateway = await gatewayTo(rawServer((socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n')))
    expect(await gateway.post('c1', 'x')).toEqual({
      status: 'failed',
      unknown: true,
      reason:
        'ResponseFormatError: Expected a status line of HTTP/1.1 in a response of the callback API, ' +
        'got "SSH-2.0-OpenSSH\\r\\n".',
    })
  })

  it('that is closed within a response fails its post as unknown', async () => {
    const server = rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab'))
    const gateway = await gatewayTo(server)
    expect(await gateway.post('c1', 'x')).toMatchObject({ status: 'failed', unknown: true })
  })

  it('does not keep the process alive while it is idle', async () => {
    const answer: RequestListener = (request, response) => void request.resume().once('end', () => response.end())
    const gateway = await gatewayTo(createServer(answer).on('connection', (socket) => void socket.unref()))
    const active = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
    await vi.waitFor(() => expect(active()).toEqual([])) // sockets of the other tests
    expect(await gateway.post('c1', 'x')).toEqual(posted)
    expect(active()).toEqual([])
  })
})

describe('a request that waits for a socket', () => {
  it('gives its place to the next one when it is ended', async () => {
    const answers: (() => void)[] = []
    let arrived = () => {}
    const arrival = () => new Promise<void>((resolve) => (arrived = resolve))
    const server = rawServer((socket) => {
      answers.push(() => socket.write(accepted))
      arrived()
    })
    const first = arrival()
    const send = await poolOfOne(server)
    const [sent, ended, next] = [send(), send(), send()]
    await first
    ended.end()
    const second = arrival()
    answers[0]?.()
    expect(await sent.status).toBe(200)
    await second
    answers[1]?.()
    expect(await next.status).toBe(200)
    expect([answers.length, sockets.size]).toEqual([2, 1])
  })
})

describe('an end of a request after its response', () => {
  it('leaves the socket to the next request', async () => {
    const send = await poolOfOne(rawServer((socket) => socket.write(accepted)))
    const [first, second] = [send(), send()]
    await first.status
    first.end()
    expect(await second.status).toBe(200)
    expect(sockets.size).toBe(1)
  })
})

describe('a connection that is made while the process is busy', () => {
  it('is used, although its time is over when the process sees it', async () => {
    const send = await poolOfOne(
      rawServer((socket) => socket.write(accepted)),
      1,
    )
    const { status } = send()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50) // the system connects meanwhile
    expect(await status).toBe(200)
  })
})

describe('credentials', () => {
  it.each([['a\r\nX-Other: b'], ['a b'], ['ä']])('that a header cannot carry are refused: %j', async (sessionToken) => {
    const credentials = { ...access.credentials, sessionToken }
    const gateway = createApiGateway({ callbackUrl: 'http://127.0.0.1:1/dev', region: access.region, credentials })
    const outcome = await gateway.post('c1', 'x')
    const reason = expect.stringContaining('printable ASCII')
    expect(outcome).toMatchObject({ status: 'failed', unknown: false, reason })
  })
})
