// More than 200 lines: the cases share a server that breaks its sockets.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createApiGateway } from './gateway.ts'

const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

interface Seen {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
  /** How many requests came on this socket before. */
  readonly before: number
}

/** A callback API that knows how often each of its sockets was used. Unanswered requests are answered with 200. */
async function callbackApi(handle: (seen: Seen) => 'handled' | undefined) {
  const uses = new Map<Socket, number>()
  const texts: string[] = []
  let closed = 0
  const server = createServer(async (request, response) => {
    const { socket } = request
    const before = uses.get(socket) ?? 0
    uses.set(socket, before + 1)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.method === 'DELETE') closed += 1
    if (handle({ request, response, socket, before }) === 'handled') return
    texts.push(Buffer.concat(chunks).toString())
    response.end()
  })
  server.keepAliveTimeout = 0
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    callbackUrl: `http://127.0.0.1:${port}/dev`,
    texts,
    sockets: () => uses.size,
    closed: () => closed,
  }
}

/** Time that a test moves, as a freeze does. */
function createTime() {
  let ms = 1_000_000
  return {
    now: () => ms,
    pass: (by: number) => {
      ms += by
    },
  }
}

const posted = { status: 'posted' }

describe('A post after the function was frozen', () => {
  it('does not reuse a socket that was idle for more than 2 s, so a dead one loses nothing', async () => {
    const clock = createTime()
    const api = await callbackApi(({ before }) => (before > 0 ? 'handled' : undefined)) // a used socket is silent
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, clock, requestTimeoutMs: 500 })
    for (const text of ['1', '2', '3']) {
      expect(await gateway.post('c1', text)).toEqual(posted)
      clock.pass(2_001)
    }
    expect(api.texts).toEqual(['1', '2', '3'])
    expect(api.sockets()).toBe(3)
  })

  it('reuses a socket that was idle for 2 s', async () => {
    const clock = createTime()
    const api = await callbackApi(() => undefined)
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, clock })
    for (const text of ['1', '2', '3']) {
      expect(await gateway.post('c1', text)).toEqual(posted)
      clock.pass(2_000)
    }
    expect(api.sockets()).toBe(1)
  })

  it('does not reuse a socket when the clock was set back since', async () => {
    const clock = createTime()
    const api = await callbackApi(() => undefined)
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, clock })
    await gateway.post('c1', '1')
    clock.pass(-60_000)
    await gateway.post('c1', '2')
    expect(api.sockets()).toBe(2)
  })

  it('does not reuse a socket whose response was read only after the freeze', async () => {
    const clock = createTime()
    const api = await callbackApi(({ before }) => {
      if (before === 0) clock.pass(60_000) // the process is frozen while the answer is on its way
      return undefined
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, clock })
    await gateway.post('c1', '1')
    await gateway.post('c1', '2')
    expect(api.sockets()).toBe(2)
  })

  it('finds a fresh socket among many dead ones', async () => {
    const clock = createTime()
    const api = await callbackApi(({ before }) => (before > 0 ? 'handled' : undefined))
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, clock, requestTimeoutMs: 1_000 })
    const all = Array.from({ length: 20 }, (_, n) => String(n))
    expect(await Promise.all(all.map((text) => gateway.post('c1', text)))).toEqual(all.map(() => posted))
    clock.pass(60_000)
    expect(await Promise.all(all.map((text) => gateway.post('c1', text)))).toEqual(all.map(() => posted))
  })
})

describe('A post on a reused socket that breaks before a byte of the response', () => {
  const breaks: readonly [string, (socket: Socket) => void][] = [
    ['is reset', (socket) => socket.resetAndDestroy()],
    ['is closed', (socket) => socket.destroy()],
    ['is ended', (socket) => socket.end()],
  ]
  it.each(breaks)('is sent again when the socket %s', async (_, end) => {
    const api = await callbackApi(({ before, socket }) => {
      if (before === 0) return undefined
      end(socket)
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    for (const text of ['1', '2', '3']) expect(await gateway.post('c1', text)).toEqual(posted)
    expect(api.texts).toEqual(['1', '2', '3'])
  })

  it('is sent again for any number of dead sockets, each text once', async () => {
    const api = await callbackApi(({ before, socket }) => {
      if (before === 0) return undefined
      socket.resetAndDestroy()
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    const all = Array.from({ length: 50 }, (_, n) => String(n))
    for (let round = 0; round < 3; round++)
      expect(await Promise.all(all.map((text) => gateway.post('c1', text)))).toEqual(all.map(() => posted))
    expect(api.texts.sort()).toEqual([...all, ...all, ...all].sort())
  })

  it('is sent again when it waited for that socket in the queue', async () => {
    let resets = 0
    const api = await callbackApi(({ before, socket }) => {
      if (before === 0 || resets === 30) return undefined
      resets += 1
      socket.resetAndDestroy()
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access, requestTimeoutMs: 20_000 })
    const all = Array.from({ length: 230 }, (_, n) => String(n)) // 200 sockets at most
    expect(await Promise.all(all.map((text) => gateway.post('c1', text)))).toEqual(all.map(() => posted))
    expect(api.texts.length).toBe(230)
  })

  it('is sent again when it is a DELETE, and closes the connection', async () => {
    const api = await callbackApi(({ before, socket }) => {
      if (before === 0) return undefined
      socket.resetAndDestroy()
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    await gateway.post('c1', '1')
    expect(await gateway.disconnect('c1')).toBe('closed')
  })

  it('is known not to be sent when the server no longer listens', async () => {
    const api = await callbackApi(({ before, socket }) => {
      if (before === 0) return undefined
      for (const server of servers) server.close()
      socket.resetAndDestroy()
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    await gateway.post('c1', '1')
    expect(await gateway.post('c1', '2')).toMatchObject({ status: 'failed', unknown: false })
    servers.splice(0)
  })
})

describe('A post that may have been sent', () => {
  it('is not sent again when a fresh socket is reset', async () => {
    let requests = 0
    const api = await callbackApi(({ socket }) => {
      requests += 1
      socket.resetAndDestroy()
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    expect(await gateway.post('c1', '1')).toMatchObject({ status: 'failed', unknown: true })
    expect(requests).toBe(1)
  })

  it.each([
    ['one byte of an answer', 'H'],
    ['a part of the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ])('is not sent again when a reused socket is reset after %s', async (_, bytes) => {
    let requests = 0
    const api = await callbackApi(({ before, socket }) => {
      requests += 1
      if (before === 0) return undefined
      socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 20))
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    await gateway.post('c1', '1')
    expect(await gateway.post('c1', '2')).toMatchObject({ status: 'failed', unknown: true })
    expect(requests).toBe(2)
  })

  it('is not sent again when its signal aborts on a reused socket', async () => {
    const controller = new AbortController()
    let requests = 0
    const api = await callbackApi(({ before }) => {
      requests += 1
      if (before === 0) return undefined
      controller.abort(new Error('no more time'))
      return 'handled'
    })
    const gateway = createApiGateway({ callbackUrl: api.callbackUrl, ...access })
    await gateway.post('c1', '1')
    const failed = { status: 'failed', unknown: true, reason: 'Error: no more time' }
    expect(await gateway.post('c1', '2', { signal: controller.signal })).toEqual(failed)
    await new Promise((resolve) => setImmediate(resolve))
    expect(requests).toBe(2)
  })
})
