import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, vi } from 'vitest'
import { socketsTo } from './open-socket.ts'
import { accepted, listen, sockets, tls } from './real-server.suite.ts'
import { SignedClient, type SignedTarget } from './signed-request.ts'

const posted = { status: 'posted' }

/** A client of the server, with one socket. */
async function clientOf(server: Server, options: Partial<SignedTarget> = {}, protocol: 'http' | 'https' = 'http') {
  const callbackUrl = new URL(`${protocol}://127.0.0.1:${await listen(server)}/dev`)
  return new SignedClient({
    ...{ callbackUrl, sockets: 1, connectionTimeoutMs: 10_000, requestTimeoutMs: 30_000 },
    credentials: async () => ({ accessKeyId: 'local', secretAccessKey: 'local' }),
    region: async () => 'us-east-1',
    open: socketsTo(callbackUrl),
    ...options,
  })
}

const post = (client: SignedClient, text = 'x', signal?: AbortSignal) =>
  client.post({ connectionId: 'c1', text, signal })

describe('a TLS handshake', () => {
  it('that gets no answer ends its post as not sent', async () => {
    const client = await clientOf(createServer(), { connectionTimeoutMs: 50 }, 'https')
    const failed = { status: 'failed', unknown: false, retry: true, reason: 'Error: No connection within 50 ms.' }
    expect(await post(client)).toEqual(failed)
  })

  it('ends the time of the connection, which a response may exceed', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0') // the certificate is of no known authority
    const server = createTlsServer(tls, (socket) => {
      socket.on('error', () => {}).once('data', () => setTimeout(() => socket.write(accepted), 1_200))
    })
    const client = await clientOf(server, { connectionTimeoutMs: 1_000 }, 'https')
    expect(await post(client)).toEqual(posted)
  })
})

describe('a socket that breaks before its TLS handshake ends', () => {
  function breaking(mustBreak: () => boolean): Server {
    const server = createTlsServer(tls, (socket) => {
      socket.on('error', () => {}).on('data', () => socket.write(accepted))
    })
    return server.on('connection', (socket: Socket) => void (mustBreak() && socket.destroy()))
  }

  it('leaves its post to another one', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0') // the certificate is of no known authority
    let opened = 0
    const server = breaking(() => ++opened === 1)
    const client = await clientOf(server, {}, 'https')
    expect(await post(client)).toEqual(posted)
    expect(sockets.size).toBe(2)
  })

  it('fails its post as not sent when the other one breaks too', async () => {
    const server = breaking(() => true)
    const client = await clientOf(server, {}, 'https')
    expect(await post(client)).toMatchObject({ status: 'failed', unknown: false })
    expect(sockets.size).toBe(2)
  })
})

/** A server that answers the first request on each socket, and passes the sockets of later ones to `onReuse`. */
function answersOnce(onReuse: (socket: Socket) => void): Server {
  return createServer((socket) => {
    let isUsed = false
    socket.on('data', () => {
      if (isUsed) onReuse(socket)
      else socket.write(accepted)
      isUsed = true
    })
  })
}

describe('a reused socket that breaks before a byte of the response', () => {
  it('after a freeze leaves it unknown whether its post was sent', async () => {
    let ms = 0
    const server = answersOnce((socket) => {
      ms += 60_000 // the process is frozen after the server took the request
      socket.resetAndDestroy()
    })
    const client = await clientOf(server, { clock: { now: () => ms } })
    expect(await post(client)).toEqual(posted)
    expect(await post(client)).toMatchObject({ status: 'failed', unknown: true })
    expect(sockets.size).toBe(1)
  })
})

describe('a server that ends its side of a socket and reads no more', () => {
  it('does not hold a post that is not written yet', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('data', () => {
        if (sockets.size > 1) socket.on('data', () => {}).write(accepted)
        else socket.once('data', () => socket.pause().end()).write(accepted)
      })
    })
    const client = await clientOf(server, { requestTimeoutMs: 5_000, clock: { now: () => 5 } })
    expect(await post(client)).toEqual(posted)
    expect(await post(client, 'x'.repeat(20_000_000))).toEqual(posted) // more than the buffers of the system
    expect(sockets.size).toBe(2)
  })
})

describe('posts that wait for a socket', () => {
  it('are sent in order, without those that ended, also after none waited', async () => {
    const texts: string[] = []
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        texts.push(bytes.toString().split('\r\n\r\n')[1] ?? '')
        socket.write(accepted)
      })
    })
    const client = await clientOf(server, { clock: { now: () => 5 } })
    const expected: string[] = []
    for (const round of [0, 1, 2]) {
      const posts = Array.from({ length: 100 }, (_, n) => {
        const text = `${round}.${n}`
        const controller = new AbortController()
        const outcome = post(client, text, controller.signal)
        if (n % 3 === 2) setImmediate(() => controller.abort())
        else expected.push(text)
        return outcome
      })
      await Promise.all(posts)
    }
    expect(texts.filter((text) => expected.includes(text))).toEqual(expected)
  })
})

describe('a post that its signal ends', () => {
  it.each([
    ['a refused connection', Object.assign(new Error('no'), { code: 'ECONNREFUSED' })],
    ['a closed connection', Object.assign(new Error('no'), { name: 'GoneException' })],
    ['a refusal', Object.assign(new Error('no'), { $metadata: { httpStatusCode: 403 } })],
  ])('is unknown, also if the reason is the error of %s', async (_, reason) => {
    const controller = new AbortController()
    const client = await clientOf(createServer((socket) => socket.once('data', () => controller.abort(reason))))
    const failed = { status: 'failed', unknown: true, reason: `${reason.name}: no` }
    expect(await post(client, 'x', controller.signal)).toEqual(failed)
    expect(await post(client, 'x', controller.signal)).toEqual(failed)
  })
})

describe('a post to a host of several addresses that all refuse it', () => {
  it('fails with the code of the error', async () => {
    const server = createServer()
    let port = 0
    const client = await clientOf(server, {
      open: (onread) =>
        connect({
          ...{ onread, host: 'host.test', port, autoSelectFamily: true },
          lookup: (_host, _options, found) =>
            found(null, [
              { address: '::1', family: 6 },
              { address: '127.0.0.1', family: 4 },
            ]),
        }),
    })
    ;({ port } = server.address() as AddressInfo)
    await new Promise((resolve) => server.close(resolve))
    const reason = expect.stringMatching(/^AggregateError.*: E[A-Z]+$/)
    expect(await post(client)).toMatchObject({ status: 'failed', reason })
  })
})
