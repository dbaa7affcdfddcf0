import { once } from 'node:events'
import { createTRPCClient, createWSClient, type WebSocketClientOptions, wsLink } from '@trpc/client'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { createLine } from '@trunkline/server'
import superjson from 'superjson'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('stock', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.context<{ readonly params: unknown }>().create({ transformer: superjson })
let contextFails = false
const router = t.router({
  params: t.procedure.query(({ ctx }) => ctx.params),
  echo: t.procedure.input(z.number()).query(({ input }) => input),
  date: t.procedure.query(() => new Date(5)),
  refused: t.procedure.query(() => {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'nope' })
  }),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  dates: t.procedure.subscription(async function* () {
    yield tracked('d', new Date(5))
  }),
  /** Resumes after the last value that its client has. */
  ticks: t.procedure
    .input(z.object({ lastEventId: z.coerce.number().optional() }).optional())
    .subscription(async function* ({ input, signal }) {
      const next = (input?.lastEventId ?? 0) + 1
      yield tracked(String(next), next)
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
  watched: t.procedure.subscription(() =>
    observable<string, TRPCError>((emit) => {
      emit.next('one')
      emit.error(new TRPCError({ code: 'CONFLICT', message: 'two' }))
    }),
  ),
  completed: t.procedure.subscription(() =>
    observable<string>((emit) => {
      emit.next('only')
      emit.complete()
    }),
  ),
})

const start = () =>
  startLocalLine({
    router,
    line,
    onError: () => {},
    createContext: ({ info }) => {
      if (contextFails) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })
      return { params: info.connectionParams }
    },
  })

/** A client of tRPC's own, and the messages on its sockets. */
function stock(url: string, options: Partial<WebSocketClientOptions> = {}) {
  const sockets: WebSocket[] = []
  const [sent, received]: [string[], string[]] = [[], []]
  class Watched extends WebSocket {
    constructor(address: string | URL) {
      super(address)
      sockets.push(this)
      this.on('message', (text) => received.push(String(text)))
    }
    override send(data: never): void {
      sent.push(String(data))
      super.send(data)
    }
  }
  const own = { url, WebSocket: Watched as never, retryDelayMs: () => 0 }
  const wsClient = createWSClient({ ...own, ...options })
  const client = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient, transformer: superjson })] })
  const open = () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length
  return { client, sockets, open, sent, received, [Symbol.asyncDispose]: () => wsClient.close() }
}

const room = { room: 'x' }
const patience = { timeout: 10_000 } // the maximum on a loaded machine; it usually takes milliseconds
const until = (check: () => void) => vi.waitFor(check, patience)

describe('tRPC’s own client on a line', () => {
  test('opens its socket with the first call when it is lazy, closes it, and opens another', async () => {
    await using local = await start()
    const onClose = vi.fn()
    await using one = stock(local.url, { lazy: { enabled: true, closeMs: 0 }, onClose })
    expect(one.sockets).toEqual([])
    expect(await one.client.echo.query(1)).toBe(1)
    await until(() => expect(onClose).toHaveBeenCalledTimes(1))
    expect(await one.client.echo.query(2)).toBe(2)
    expect(one.sockets).toHaveLength(2)
  })

  test('receives PONG for its PING, and closes a socket without one', async () => {
    await using local = await start()
    const keepAlive = { enabled: true, intervalMs: 5, pongTimeoutMs: patience.timeout }
    await using patient = stock(local.url, { keepAlive })
    await until(() => expect(patient.received).toContain('PONG'))
    expect(patient.sockets).toHaveLength(1)
    using _silent = local.faults.on('frame', 'drop')
    await using hasty = stock(local.url, { keepAlive: { ...keepAlive, pongTimeoutMs: 5 } })
    await until(() => expect(hasty.sockets.length).toBeGreaterThan(1))
  })

  test.each([
    ['an object', { token: 'a' }],
    ['a function', () => ({ token: 'a' })],
    ['an async function', async () => ({ token: 'a' })],
  ])('sends connectionParams from %s on each socket', async (_, connectionParams) => {
    await using local = await start()
    await using one = stock(local.url, { connectionParams })
    expect(await one.client.params.query()).toEqual({ token: 'a' })
    local.faults.cut()
    await until(() => expect(one.sockets).toHaveLength(2))
    expect(await one.client.params.query()).toEqual({ token: 'a' })
  })

  test.each([
    ['every function', 'websocket'],
    ['the function of the parameters alone', 'connectionParams'],
  ])('runs ten queries of one tick behind its connectionParams when %s starts in 1 s [TL-STOCK-4]', async (_, path) => {
    await using local = await start()
    using slow = local.faults.on('function', { delayMs: 1_000 }, { path })
    await using one = stock(local.url, { connectionParams: { token: 'a' } })
    const asked = Array.from({ length: 10 }, () => one.client.params.query())
    expect(await Promise.all(asked)).toEqual(asked.map(() => ({ token: 'a' })))
    expect(slow.hits).toBeGreaterThan(0)
    expect(one.sockets).toHaveLength(1)
  })

  test('may have an encoder whose messages are JSON text', async () => {
    await using local = await start()
    const decode = (data: string | ArrayBuffer | Uint8Array) => JSON.parse(String(data)) as unknown
    const experimental_encoder = { encode: (data: unknown) => JSON.stringify(data, null, 2), decode }
    await using one = stock(local.url, { experimental_encoder })
    expect(await one.client.echo.query(1)).toBe(1)
    expect(one.sent.join()).toContain('\n')
  })

  test('calls onError for a socket that did not open, and retries', async () => {
    await using local = await start()
    const onError = vi.fn()
    using refused = local.faults.on('connect', 'fail', { times: 1 })
    await using one = stock(local.url, { onError })
    await until(() => expect(onError).toHaveBeenCalled())
    expect(await one.client.echo.query(1)).toBe(1)
    expect(refused.hits).toBe(1)
  })

  test('sends the calls of one event-loop iteration in one frame, and each gets a response', async () => {
    await using local = await start()
    await using one = stock(local.url)
    await one.client.echo.query(0)
    expect(await Promise.all([1, 2, 3].map((n) => one.client.echo.query(n)))).toEqual([1, 2, 3])
    expect(one.sent).toHaveLength(2)
  })

  test('moves to a second socket at the reconnect notice with its subscriptions, and misses no event', async () => {
    await using local = await start()
    await using one = stock(local.url)
    const [seen, started]: [string[], unknown[]] = [[], []]
    one.client.live.subscribe(room, {
      onStarted: () => started.push(null),
      onData: ({ data }) => seen.push(data.text),
    })
    await until(() => expect(started).toHaveLength(1))
    await one.client.post.mutate({ ...room, text: 'before' })
    await until(() => expect(seen).toEqual(['before']))
    await local.notify()
    await until(() => expect(one.sockets).toHaveLength(2))
    await local.run(() => messages.publish(room, { text: 'meanwhile' }))
    await until(() => expect(one.open()).toBe(1))
    expect(one.sockets[1]?.readyState).toBe(WebSocket.OPEN)
    await one.client.post.mutate({ ...room, text: 'after' })
    await until(() => expect(seen).toEqual(['before', 'meanwhile', 'after']))
  })

  test('follows observables to their end and to their error', async () => {
    await using local = await start()
    await using one = stock(local.url)
    const seen: unknown[] = []
    const ended = new Promise((onError) => {
      one.client.watched.subscribe(undefined, { onData: (value) => seen.push(value), onError })
    })
    expect(await ended).toMatchObject({ message: 'two', data: { code: 'CONFLICT' } })
    await new Promise<void>((onComplete) => {
      one.client.completed.subscribe(undefined, { onData: (value) => seen.push(value), onComplete })
    })
    expect(seen).toEqual(['one', 'only'])
  })

  test('resumes an async iterable after the last tracked value when its socket was cut', async () => {
    await using local = await start()
    await using one = stock(local.url)
    const seen: unknown[] = []
    one.client.ticks.subscribe(undefined, { onData: (value) => seen.push(value) })
    await until(() => expect(seen).toEqual([{ id: '1', data: 1 }]))
    local.faults.cut()
    await until(() => expect(seen).toEqual([1, 2].map((n) => ({ id: String(n), data: n }))))
  })

  test('has its transformer applied to answers, tracked values and errors', async () => {
    await using local = await start()
    await using one = stock(local.url)
    expect(await one.client.date.query()).toEqual(new Date(5))
    await expect(one.client.refused.query()).rejects.toMatchObject({ message: 'nope', data: { code: 'FORBIDDEN' } })
    const value = await new Promise((onData) => one.client.dates.subscribe(undefined, { onData }))
    expect(value).toEqual({ id: 'd', data: new Date(5) })
  })

  test('gets an error for each call and subscription when createContext fails, and its socket stays open', async () => {
    await using local = await start()
    await using one = stock(local.url)
    const refused = { message: 'who are you?', data: { code: 'UNAUTHORIZED' } }
    contextFails = true
    await expect(one.client.echo.query(1)).rejects.toMatchObject(refused)
    expect(await new Promise((onError) => one.client.live.subscribe(room, { onError }))).toMatchObject(refused)
    contextFails = false
    expect(await one.client.echo.query(1)).toBe(1)
    expect(one.sockets).toHaveLength(1)
  })

  test('gets jsonrpc echoed in a response, and not in a subscription’s messages [TL-STOCK-9]', async () => {
    await using local = await start()
    const socket = new WebSocket(local.url)
    const received: unknown[] = []
    socket.on('message', (text) => received.push(JSON.parse(String(text))))
    await once(socket, 'open')
    const ask = { jsonrpc: '2.0', id: 1, method: 'query', params: { path: 'echo', input: superjson.serialize(7) } }
    socket.send(JSON.stringify(ask))
    socket.send(JSON.stringify({ ...ask, id: 2, params: { ...ask.params, path: 'refused' } }))
    const input = superjson.serialize(room)
    socket.send(JSON.stringify({ ...ask, id: 3, method: 'subscription', params: { path: 'live', input } }))
    const answers = [
      { id: 1, jsonrpc: '2.0', result: { type: 'data', data: superjson.serialize(7) } },
      { id: 2, jsonrpc: '2.0', error: expect.anything() },
      { id: 3, result: { type: 'started' } },
    ]
    await until(() => expect(received).toHaveLength(answers.length))
    expect(received).toEqual(expect.arrayContaining(answers))
    socket.terminate()
  })
})
