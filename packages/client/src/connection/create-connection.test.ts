// One file over 200 lines: all tests share one fake clock and one environment.

import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startWireServer } from '../testing/wire-server.suite.ts'
import { createClient } from '../trpc/create-client.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { createConnection } from './create-connection.ts'
import type { ConnectionEnvironment } from './environment.ts'
import type { SocketOptions } from './socket.ts'
import { transportOf } from './transport.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  vi.unstubAllGlobals()
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

/** A clock that moves only when the test moves it. */
function createFakeClock(): Partial<ConnectionEnvironment> &
  Pick<ConnectionEnvironment, 'now'> & { advance(ms: number): void; readonly running: () => number } {
  const timers = new Set<{ readonly at: number; readonly fn: () => void }>()
  let now = 1_000
  return {
    now: () => now,
    random: () => 0.5,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      now += ms
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer)
        timer.fn()
      }
    },
    running: () => timers.size,
  }
}

async function start(options: Partial<ConnectionOptions> = {}, answers = () => true) {
  const server = await startWireServer(({ id, method }, peer) => {
    if (method === 'query' && answers()) peer.send({ id, result: { type: 'data', data: 1 } })
  })
  const clock = createFakeClock()
  const connection = createConnection({ url: server.url, WebSocket, ...options }, clock)
  open.push(connection, server)
  const query = () =>
    new Promise((answer, fail) => {
      transportOf(connection).call({ method: 'query', path: 'a', input: 1, timeoutMs: undefined }, { answer, fail })
    })
  const whenStatus = (status: string) =>
    new Promise<void>((resolve) => {
      const stop = connection.subscribe((state) => {
        if (state.status !== status) return
        stop()
        resolve()
      })
    })
  return { server, clock, connection, query, whenStatus }
}

test('the clock and randomness come from its environment', async () => {
  const { server, clock, connection, query, whenStatus } = await start()
  await query()
  clock.advance(270_000)
  await server.frame('ping')
  const lost = whenStatus('reconnecting')
  server.cut()
  await lost
  expect(connection.state).toMatchObject({ attempt: 1, retryAt: clock.now() + 300 })
  const back = whenStatus('open')
  clock.advance(300)
  await back
})

test('the trace context is read once for each call, and a resend has the same [TL-TRACE-3]', async () => {
  let asked = 0
  let frames = 0
  const { server, clock, query, whenStatus } = await start(
    { traceparent: () => `00-${'a'.repeat(32)}-${String(++asked).padStart(16, '0')}-01` },
    () => ++frames !== 1,
  )
  const answered = query()
  const { params: first } = await server.frame('query')
  const lost = whenStatus('reconnecting')
  server.cut()
  await lost
  clock.advance(1_000)
  await answered
  await query()
  const sent = server.frames.filter(({ method }) => method === 'query').map(({ params }) => params)
  const traced = (n: number) => ({ path: 'a', input: 1, traceparent: `00-${'a'.repeat(32)}-000000000000000${n}-01` })
  expect(sent).toEqual([first, traced(1), traced(2)])
})

test('the online event retries at once, and the cause says that the network was offline', async () => {
  const events = new EventTarget()
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
  vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events))
  const { server, connection, query, whenStatus } = await start()
  await query()
  vi.stubGlobal('navigator', { onLine: false })
  const lost = whenStatus('reconnecting')
  server.cut()
  await lost
  expect(connection.state).toMatchObject({ cause: { code: 'offline' } })
  const back = whenStatus('open')
  vi.stubGlobal('navigator', { onLine: true })
  events.dispatchEvent(new Event('online'))
  await back
})

test('a page that becomes visible syncs at once', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
  vi.stubGlobal('document', page)
  const { server, connection, query } = await start()
  await query()
  page.dispatchEvent(new Event('visibilitychange'))
  expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'query'])
  page.visibilityState = 'visible'
  page.dispatchEvent(new Event('visibilitychange'))
  await server.frame('ping')
  await connection.close()
  page.dispatchEvent(new Event('visibilitychange'))
  expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'query', 'ping'])
})

test('close leaves no timer and no socket, and also closes a connection that never opened', async () => {
  const { server, clock, connection, query } = await start()
  await query()
  const gone = new Promise((resolve) => server.peer().socket.once('close', resolve))
  await connection.close()
  await gone
  expect(clock.running()).toBe(0)
  const unused = createConnection({ url: 'ws://127.0.0.1:1' })
  await unused.close()
  expect(unused.state.status).toBe('closed')
})

test('a listener that throws or unsubscribes does not affect the others', async () => {
  const { connection, query } = await start()
  const thrown: unknown[] = []
  const { setTimeout: later } = globalThis
  const rethrow = (fn: () => void) => {
    try {
      fn()
    } catch (error) {
      thrown.push(error)
    }
  }
  vi.stubGlobal('setTimeout', (fn: () => void, ms?: number) => (ms === undefined ? rethrow(fn) : later(fn, ms)))
  const statuses: string[] = []
  const stopThrowing = connection.subscribe(() => {
    throw new Error('of the application')
  })
  const stop = connection.subscribe(({ status }) => {
    statuses.push(status)
    stop()
  })
  connection.subscribe(({ status }) => statuses.push(status))
  await query()
  expect(statuses).toEqual(['connecting', 'connecting', 'open'])
  expect(thrown).toHaveLength(2)
  stopThrowing()
})

test('a runtime without a WebSocket fails the first use, and the error says what to do', () => {
  vi.stubGlobal('WebSocket', undefined)
  Reflect.deleteProperty(globalThis, 'WebSocket')
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const call = () =>
    transportOf(connection).call(
      { method: 'query', path: 'a', input: 1, timeoutMs: undefined },
      { answer() {}, fail() {} },
    )
  expect(call).toThrow('createConnection({ WebSocket })')
})

test('an attempt after one that could not be opened asks why [TL-KICK-4]', async () => {
  const made: SocketOptions[] = []
  const socket = { admit() {}, replace() {}, send: () => true, close() {} }
  const createSocket = (options: SocketOptions) => {
    made.push(options)
    return socket
  }
  const connection = createConnection({ url: 'wss://example.com/dev?a=b' }, { createSocket })
  open.push(connection)
  connection.subscribe(() => {})
  const call = { method: 'query', path: 'a', input: 1, timeoutMs: undefined } as const
  transportOf(connection).call(call, { answer() {}, fail() {} })
  const address = async () => (await made[0]?.endpoint())?.url
  const lose = (code: 'network' | 'offline') => made[0]?.onLost({ code, message: 'x' })
  expect(await address()).toBe('wss://example.com/dev?a=b')
  lose('network')
  expect(await address()).toBe('wss://example.com/dev?a=b&explain=1')
  lose('offline')
  expect(await address()).toBe('wss://example.com/dev?a=b')
  lose('network')
  made[0]?.onOpen()
  lose('network') // it was open
  expect(await address()).toBe('wss://example.com/dev?a=b')
})

test('so does an attempt after a second socket that could not be opened while one is open [TL-KICK-4]', async () => {
  const made: SocketOptions[] = []
  const sent: string[] = []
  const socket = { admit() {}, replace() {}, send: (text: string) => sent.push(text) > 0, close() {} }
  const createSocket = (options: SocketOptions) => {
    made.push(options)
    return socket
  }
  const connection = createConnection({ url: 'wss://example.com/dev' }, { createSocket })
  open.push(connection)
  connection.subscribe(() => {})
  const call = { method: 'query', path: 'a', input: 1, timeoutMs: undefined } as const
  transportOf(connection).call(call, { answer() {}, fail() {} })
  made[0]?.onOpen()
  const { id } = JSON.parse(sent[0] ?? '')
  const limits = { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 }
  made[0]?.onMessage(JSON.stringify({ id, result: { type: 'hello', session: 's', time: 0, limits } }))
  made[0]?.onMessage(JSON.stringify({ id: JSON.parse(sent[1] ?? '').id, result: { type: 'data', data: 7 } }))
  connection.signIn().catch(() => {})
  made[1]?.onLost({ code: 'network', message: 'x' })
  expect((await made[0]?.endpoint())?.url).toBe('wss://example.com/dev?explain=1')
})

test('sockets and random bytes can be replaced', async () => {
  const made: SocketOptions[] = []
  const sent: string[] = []
  const socket = { admit() {}, replace() {}, send: (text: string) => sent.push(text) > 0, close() {} }
  const connection = createConnection(
    { url: 'wss://example.com' },
    {
      randomBytes: (count) => new Uint8Array(count),
      createSocket: (options) => {
        made.push(options)
        return socket
      },
    },
  )
  open.push(connection)
  const answered = new Promise((answer, fail) => {
    transportOf(connection).call({ method: 'query', path: 'a', input: 1, timeoutMs: undefined }, { answer, fail })
  })
  expect(await made[0]?.endpoint()).toMatchObject({
    url: 'wss://example.com/',
    protocols: ['trunkline.1', 'session.AAAAAAAAAAAAAAAAAAAAAA'],
  })
  made[0]?.onOpen()
  const hello = JSON.parse(sent[0] ?? '')
  expect(hello).toMatchObject({ method: 'hello' })
  const limits = { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 }
  made[0]?.onMessage(JSON.stringify({ id: hello.id, result: { type: 'hello', session: 's', time: 0, limits } }))
  made[0]?.onMessage(JSON.stringify({ id: JSON.parse(sent[1] ?? '').id, result: { type: 'data', data: 7 } }))
  expect(await answered).toBe(7)
})

test('a client that is given no connection says what to pass', () => {
  const create = createClient as (options: object) => unknown
  expect(() => create({ url: 'wss://example.com' })).toThrow(
    'Expected a connection from createConnection, got undefined. Pass { connection }.',
  )
})
