// One file over 200 lines: all tests share one server and one client.

import { TRPCClientError } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import superjson from 'superjson'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import type { ConnectionOptions } from '../connection/connection-options.ts'
import { type Connection, createConnection } from '../connection/create-connection.ts'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { Gap } from '../session/machine/gap.ts'
import { trunklineError } from '../session/machine/trunkline-error.ts'
import { event, type Peer, type Received, startWireServer } from '../testing/wire-server.suite.ts'
import { createClient } from './create-client.ts'
import { iterate } from './iterate.ts'

const t = initTRPC.create()
const router = t.router({
  add: t.procedure.input(z.number()).query(({ input }) => input + 1),
  save: t.procedure.input(z.string()).mutation(({ input }) => input),
  live: t.procedure.subscription(async function* (): AsyncGenerator<{ id: string; data: string }> {}),
  typing: t.procedure.subscription(async function* (): AsyncGenerator<string> {}),
})
type Router = typeof router

const open: (Connection | AsyncDisposable)[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

async function start(onFrame?: (frame: Received, peer: Peer) => void, options: Partial<ConnectionOptions> = {}) {
  const server = await startWireServer(onFrame)
  // Short back-offs without randomness: 0 is the shortest wait.
  const connection = createConnection({ url: server.url, WebSocket, ...options }, { random: () => 0 })
  open.push(connection, server)
  return { server, connection, client: createClient<Router>({ connection }) }
}

function answer({ id, params }: Received, peer: Peer): void {
  peer.send({ id, result: { type: 'data', data: (params.input as number) + 1 } })
}
async function failure(promise: Promise<unknown>): Promise<NonNullable<ReturnType<typeof trunklineError>>> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  const line = trunklineError(error)
  if (line === undefined) throw new Error(`expected a line error, got ${String(error)}`)
  return line
}
function reached(connection: Connection, status: ConnectionState['status']): Promise<ConnectionState> {
  return new Promise((resolve) => {
    const stop = connection.subscribe((state) => {
      if (state.status !== status) return
      stop()
      resolve(state)
    })
  })
}

test('opens with the first call, and not before', async () => {
  const { server, connection, client } = await start(answer)
  expect(connection.state).toEqual({ status: 'idle' })
  expect(await client.add.query(1)).toBe(2)
  expect(connection.state).toEqual({ status: 'open', transport: 'socket' })
  expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'query'])
})

test('[TL-HS-1] offers trunkline.1, the session and the token', async () => {
  const { server, client } = await start(answer, { token: async () => 'ann' })
  await client.add.query(1)
  expect(server.peer().offer).toEqual(['trunkline.1', expect.stringMatching(/^session\.[\w-]{22}$/), 'token.YW5u'])
})

test('sends a call in the tick in which it is made', async () => {
  const { server, client } = await start(answer)
  await client.add.query(1)
  const sent: string[] = []
  const { send } = WebSocket.prototype
  WebSocket.prototype.send = function (this: WebSocket, data: string) {
    sent.push(data)
    return Reflect.apply(send, this, [data])
  } as typeof send
  const answered = client.add.query(2)
  WebSocket.prototype.send = send
  expect(sent).toHaveLength(1)
  expect(await answered).toBe(3)
  expect(server.frames).toHaveLength(3)
})

test('an error of the procedure keeps its shape and is not an error of Trunkline', async () => {
  const shape = { code: -32_603, message: 'no', data: { code: 'CONFLICT', httpStatus: 409 } }
  const { client } = await start(({ id }, peer) => peer.send({ id, error: shape }))
  const error = await client.save.mutate('x').catch((cause: unknown) => cause)
  expect(error).toBeInstanceOf(TRPCClientError)
  expect(error).toMatchObject({ message: 'no', data: { code: 'CONFLICT' }, shape })
  expect(trunklineError(error)).toBeUndefined()
})

test('trunklineError returns an error of Trunkline, and the error shape is kept', async () => {
  const shape = { code: -32_029, message: 'slow down', data: { code: 'TOO_MANY_REQUESTS', httpStatus: 429 } }
  const line = { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 50, mayHaveRun: false }
  const { client } = await start(({ id }, peer) => peer.send({ id, error: shape, line }))
  const error = await client.save.mutate('x').catch((cause: unknown) => cause)
  const docs = 'https://github.com/trunkline/trunkline/blob/main/docs/reference/errors.md#rate_limited'
  expect(trunklineError(error)).toEqual({ ...line, message: 'slow down', docs })
  expect(error).toMatchObject({ shape })
})

test('a lost socket resends queries and keyed mutations, and fails mutations without a key [TL-CALL-5] [TL-KEY-8]', async () => {
  const { server, client } = await start((frame, peer) => {
    if (server.peers.length > 1) peer.send({ id: frame.id, result: { type: 'data', data: frame.params.key ?? 2 } })
  })
  const lost = failure(client.save.mutate('x', { idempotencyKey: false }))
  const own = client.save.mutate('y', { idempotencyKey: 'order 7' })
  const saved = client.save.mutate('z')
  const added = client.add.query(1)
  await server.frame('query')
  server.cut()
  expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', mayHaveRun: true, retry: 'later' })
  expect(await own).toBe('own.order 7')
  expect(await saved).toMatch(/^auto\.[0-9a-z]{8}\.[\w-]{22}$/)
  expect(await added).toBe(2)
  const keys = server.frames.flatMap(({ method, params }) => (method === 'mutation' ? [params.key] : []))
  expect(keys).toEqual([undefined, 'own.order 7', await saved, 'own.order 7', await saved])
})

test('mutations with one ordering key are sent one after another [TL-LANE-1]', async () => {
  const { server, client } = await start()
  const saved = [1, 2, 3].map((n) => client.save.mutate(`${n}`, { orderingKey: n < 3 ? 'a' : 'b' }))
  for (const input of ['1', '3', '2']) {
    const frame = await server.frame('mutation', ['1', '3', '2'].indexOf(input))
    expect(frame.params.input).toBe(input)
    if (input === '3') server.peer().send({ id: server.frames[1]?.id, result: { type: 'data', data: 'done' } })
  }
  server.peer().send({ id: server.frames.at(-1)?.id, result: { type: 'data' } })
  server.peer().send({ id: server.frames[2]?.id, result: { type: 'data' } })
  expect((await Promise.all(saved))[0]).toBe('done')
})

test('a subscription resumes after its position when the socket is lost', async () => {
  const seen: string[] = []
  const { server, client } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    const started = { type: 'started', ref: params.ref, from: params.lastEventId ?? 'e:3', head: 'e:4' }
    if (params.ref === 1) peer.send([{ id, result: started }, event(id, 'e:4')])
    else peer.send([{ id, result: { ...started, head: 'e:6' } }, event(id, 'e:5'), event(id, 'e:6')])
  })
  const six = new Promise<void>((resolve) => {
    client.live.subscribe(undefined, {
      onData({ id, data }) {
        expect(data).toBe(id)
        seen.push(id)
        if (id === 'e:4') server.cut()
        if (id === 'e:6') resolve()
      },
    })
  })
  await six
  expect(seen).toEqual(['e:4', 'e:5', 'e:6'])
  const [first, second] = server.frames.filter(({ method }) => method === 'subscription')
  expect(second).toMatchObject({ id: first?.id, params: { ref: 2, lastEventId: 'e:4' } })
})

test('the chunks of a stream come one by one with their ids, then its outcome [TL-STREAM-1] [TL-STREAM-2]', async () => {
  const { client } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    const data = (at: string, some: readonly string[], rest: object) => ({
      id,
      result: { type: 'data', id: at, data: some, ...rest },
    })
    peer.send([
      { id, result: { type: 'started', ref: params.ref, from: 'e:1', head: 'e:3' } },
      data('e:2', ['a', 'b', 'c'], { of: 3 }),
      data('e:3', ['d', 'f'], { of: 4, places: [1, 3] }),
      { id, result: { type: 'closed', id: 'e:4', outcome: 'stopped' } },
    ])
  })
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    client.live.subscribe(undefined, {
      onData: ({ id, data }) => seen.push(`${id} ${data}`),
      onOutcome: (outcome) => seen.push(outcome),
      onComplete: resolve,
    })
  })
  expect(seen).toEqual(['e:2.1 a', 'e:2.2 b', 'e:2 c', 'e:3.1 d', 'e:3.3 f', 'stopped'])
})

test('the chunks behind one whose callback throws are shown, and each error is reported [TL-STREAM-1]', async () => {
  const server = await startWireServer(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    const chunks = { type: 'data', id: 'e:2', data: ['a', 'b', 'c', 'd'], of: 4 }
    peer.send([
      { id, result: { type: 'started', ref: params.ref, from: 'e:1', head: 'e:3' } },
      ...[chunks, { ...chunks, id: 'e:3', data: ['b'], of: 1 }].map((result) => ({ id, result })),
      { id, result: { type: 'closed', id: 'e:4', outcome: 'done' } },
    ])
  })
  const uncaught: unknown[] = []
  const environment = { random: () => 0, uncaught: (error: unknown) => void uncaught.push(error) }
  const connection = createConnection({ url: server.url, WebSocket }, environment)
  open.push(connection, server)
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    createClient<Router>({ connection }).live.subscribe(undefined, {
      onData({ data }) {
        seen.push(data)
        if (data === 'b' || data === 'c') throw new Error(`The page cannot show ${data}.`)
      },
      onComplete: resolve,
    })
  })
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'b'])
  const messages = uncaught.map((error) => (error instanceof AggregateError ? error.errors : [error]).map(String))
  expect(messages).toEqual([
    ['Error: The page cannot show b.', 'Error: The page cannot show c.'],
    ['Error: The page cannot show b.'],
  ])
})

test('a subscription to an ephemeral channel starts again without a cursor [TL-EPH-2]', async () => {
  const { server, client } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    peer.send({ id, result: { type: 'started', ref: params.ref } })
    peer.send({ id, result: { type: 'data', data: `ann ${params.ref}` } })
  })
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    client.typing.subscribe(undefined, {
      onData(author) {
        seen.push(author)
        if (seen.length === 1) server.cut()
        else resolve()
      },
    })
  })
  expect(seen).toEqual(['ann 1', 'ann 2'])
  expect(server.frames.at(-1)?.params).not.toHaveProperty('lastEventId')
})

test('fetches the rest of a page and the events that a push shows to be missing', async () => {
  const seen: string[] = []
  const { server, client } = await start(({ id, method, params }, peer) => {
    if (method === 'subscription') {
      peer.send([{ id, result: { type: 'started', ref: 1, from: 'e:0', head: 'e:2' } }, event(id, 'e:1')])
    }
    if (method !== 'sync') return
    const [asked] = params.subscriptions
    const next = Number(asked?.from.slice(2)) + 1
    const synced = { type: 'synced', from: asked?.from, head: next === 2 ? 'e:2' : 'e:4' }
    const rest = next === 2 ? [event(asked?.id ?? 0, 'e:2')] : [event(asked?.id ?? 0, 'e:3')]
    peer.send([{ id: asked?.id, result: synced }, ...rest, { id, result: { type: 'data' } }])
  })
  await new Promise<void>((resolve) => {
    client.live.subscribe(undefined, {
      onData({ id }) {
        seen.push(id)
        if (id === 'e:2') server.peer().send(event(server.frames[1]?.id ?? 0, 'e:4'))
        if (id === 'e:4') resolve()
      },
    })
  })
  expect(seen).toEqual(['e:1', 'e:2', 'e:3', 'e:4'])
})

test('a gap is reported to onGap, and without onGap ends the subscription with GAP [TL-SUB-12]', async () => {
  const gaps: Gap[] = []
  const { server, client } = await start(({ id, method, params }, peer) => {
    const started = { type: 'started', ref: params.ref, from: 'f:7', head: 'f:7', gap: 'new-epoch' }
    if (method === 'subscription') peer.send({ id, result: started })
  })
  const reported = new Promise<void>((resolve) => {
    client.live.subscribe(undefined, { onData() {}, onGap: (gap) => resolve(void gaps.push(gap)) })
  })
  await reported
  expect(gaps).toEqual([{ path: 'live', input: undefined, reason: 'new-epoch', lastEventId: null }])
  const ended = new Promise((resolve) => client.live.subscribe(undefined, { onError: resolve }))
  expect(trunklineError(await ended)?.code).toBe('GAP')
  expect(await server.frame('subscription.stop')).toMatchObject({ id: 2, params: { ref: 1 } })
})

test("a gap is reported to the subscription's onGap, else to the connection's, and the subscription continues [TL-SUB-12]", async () => {
  const reported: string[] = []
  const { client } = await start(
    ({ id, method, params }, peer) => {
      if (method !== 'subscription') return
      peer.send({ id, result: { type: 'started', ref: params.ref, from: 'f:7', head: 'f:7', gap: 'new-epoch' } })
      peer.send(event(id, 'f:8', 'after'))
    },
    { onGap: ({ path }) => reported.push(`connection ${path}`) },
  )
  for (const options of [{ onGap: () => reported.push('subscription') }, {}])
    await new Promise((resolve, reject) =>
      client.live.subscribe(undefined, { ...options, onData: resolve, onError: reject }),
    )
  expect(reported).toEqual(['subscription', 'connection live'])
})

test('[TL-HELLO-4] a refused connection is closed with the reason and does not try again by itself', async () => {
  const { server, connection, client } = await start(answer)
  server.hello['refused'] = 'you are banned'
  const line = await failure(client.add.query(1))
  expect(line).toMatchObject({ code: 'CLOSED', retry: 'after-auth', mayHaveRun: false })
  expect(connection.state).toEqual({ status: 'closed', cause: { code: 'refused', message: 'you are banned' } })
  expect((await failure(client.add.query(1))).message).toContain('you are banned')
  expect(server.peers).toHaveLength(1)
  delete server.hello['refused']
  connection.restart()
  expect(await client.add.query(1)).toBe(2)
})

test('a call without an answer fails with TIMEOUT at its own deadline', async () => {
  const { client } = await start()
  const line = await failure(client.save.mutate('x', { timeoutMs: 50 }))
  expect(line).toMatchObject({ code: 'TIMEOUT', mayHaveRun: true })
})

test('the error of a call that was never sent says that it did not run, and why', async () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1', WebSocket })
  open.push(connection)
  const client = createClient<Router>({ connection })
  const line = await failure(client.save.mutate('x', { timeoutMs: 100 }))
  expect(line).toMatchObject({ code: 'TIMEOUT', mayHaveRun: false })
  expect(line.message).toContain('ECONNREFUSED')
  expect(connection.state).toMatchObject({ status: 'reconnecting', cause: { code: 'network' } })
})

test('a `token` that throws fails the attempt and not the connection', async () => {
  let asked = 0
  const token = () => {
    asked += 1
    if (asked < 3) throw new Error('no network')
    return 'ann'
  }
  const { client } = await start(answer, { token })
  expect(await client.add.query(1)).toBe(2)
  expect(asked).toBe(3)
})

test('an aborted call rejects at once with the reason of its signal', async () => {
  const { client, server } = await start()
  const controller = new AbortController()
  const called = client.add.query(1, { signal: controller.signal })
  await server.frame('query')
  controller.abort()
  await expect(called).rejects.toMatchObject({ message: expect.stringContaining('abort') })
})

test('a frame above the limit of hello fails before it is sent, with its size and the limit [TL-LIM-1]', async () => {
  const { client, server } = await start(answer)
  const line = await failure(client.save.mutate('ü'.repeat(20_000)))
  expect(line).toMatchObject({ code: 'TOO_LARGE', mayHaveRun: false })
  expect(line.message).toMatch(/at most 32768 bytes, got 40\d\d\d bytes/)
  expect(server.frames.filter(({ method }) => method === 'mutation')).toEqual([])
})

test('a call that does not fit into the outbox fails', async () => {
  const { client, connection } = await start(answer, { token: () => new Promise(() => {}) })
  const waiting = Array.from({ length: 1_000 }, () => client.add.query(1).catch(() => {}))
  expect(await failure(client.add.query(1))).toMatchObject({ code: 'OUTBOX_FULL', mayHaveRun: false })
  await connection.close()
  await Promise.all(waiting)
})

test("the gateway's own error settles the only call without a key in flight, and none of two [TL-GW-2]", async () => {
  const said = { message: 'Internal server error', connectionId: 'c', requestId: 'r' }
  const { client, server } = await start()
  const alone = failure(client.save.mutate('x', { idempotencyKey: false }))
  await server.frame('mutation')
  server.peer().send(said)
  expect(await alone).toMatchObject({ code: 'FUNCTION_FAILED', mayHaveRun: true })
  const [first, second] = [
    failure(client.save.mutate('x', { timeoutMs: 500, idempotencyKey: false })),
    client.add.query(1, { timeoutMs: 15_000 }),
  ]
  const query = await server.frame('query')
  server.peer().send(said)
  expect(await first).toMatchObject({ code: 'FUNCTION_FAILED' })
  answer(query, server.peer())
  expect(await second).toBe(2)
})

test('on AUTH_EXPIRED a new token is sent on the open socket, and the call is sent again [TL-AUTH-1]', async () => {
  let token = 0
  const shape = { code: -32_001, message: 'expired', data: { code: 'UNAUTHORIZED', httpStatus: 401 } }
  const line = { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false }
  const given: string[] = []
  const { server, connection, client } = await start(
    (frame, peer) => {
      if (frame.method === 'auth') {
        given.push(frame.params.token)
        peer.send({ id: frame.id, result: { type: 'authorized', authExpires: Date.now() + 3_600_000 } })
      } else if (given.length === 0) peer.send({ id: frame.id, error: shape, line })
      else answer(frame, peer)
    },
    { token: () => `t${++token}` },
  )
  const states: string[] = []
  connection.subscribe(({ status }) => states.push(status))
  expect(await client.add.query(1)).toBe(2)
  expect(given).toEqual(['t2'])
  expect(server.peers).toHaveLength(1)
  expect(states).toEqual(['connecting', 'open'])
})

test('the notice moves everything to another socket without a visible interruption', async () => {
  const seen: unknown[] = []
  const states: string[] = []
  let now = Date.now()
  const server = await startWireServer((frame, peer) => {
    if (frame.method === 'query') answer(frame, peer)
    if (frame.method !== 'subscription') return
    const from = frame.params.lastEventId ?? 'e:0'
    peer.send([{ id: frame.id, result: { type: 'started', ref: frame.params.ref, from, head: from } }])
  })
  const connection = createConnection({ url: server.url, WebSocket }, { random: () => 0, now: () => now })
  open.push(connection, server)
  const client = createClient<Router>({ connection })
  connection.subscribe(({ status }) => states.push(status))
  client.live.subscribe(undefined, { onData: ({ data }) => seen.push(data) })
  const first = await server.frame('subscription')
  const old = server.peer()
  old.send(event(first.id, 'e:1', 'one'))
  expect(await client.add.query(1)).toBe(2)
  now += 60_000
  const gone = new Promise((resolve) => old.socket.once('close', resolve))
  old.send({ id: null, method: 'reconnect' })
  const second = await server.frame('subscription', 1)
  expect(second).toMatchObject({ id: first.id, params: { ref: 2, lastEventId: 'e:1' } })
  await gone
  server.peer().send(event(first.id, 'e:2', 'two'))
  expect(await client.add.query(1)).toBe(2)
  expect(seen).toEqual(['one', 'two'])
  expect(states).toEqual(['connecting', 'open'])
  expect(server.peers).toHaveLength(2)
})

test("when the machine's clock is set while connected, the next mutation waits for another hello [TL-HELLO-5]", async () => {
  const { server, client } = await start(answer)
  expect(await client.add.query(1)).toBe(2)
  const set = Date.now() + 600_000
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => set)
  const saved = client.save.mutate('x')
  const mutation = await server.frame('mutation')
  spy.mockRestore()
  await saved
  expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'query', 'hello', 'ping', 'mutation'])
  expect(mutation.params.key).toContain(`auto.${set.toString(36).slice(0, 4)}`)
})

test('close settles calls in flight, ends subscriptions and rejects later calls', async () => {
  const { server, connection, client } = await start()
  const called = client.add.query(1)
  const ended = new Promise<void>((resolve) => client.live.subscribe(undefined, { onComplete: resolve }))
  const query = await server.frame('query')
  const closing = connection.close()
  await ended
  expect(await failure(client.add.query(2))).toMatchObject({ code: 'CLOSED', mayHaveRun: false })
  answer(query, server.peer())
  expect(await called).toBe(2)
  await closing
  expect(connection.state).toMatchObject({ status: 'closed', cause: { code: 'closed-by-you' } })
  await connection.close()
})

test('restart fails calls in flight, offers a new session and starts subscriptions again', async () => {
  const { server, connection, client } = await start(({ id, method, params }, peer) => {
    const started = { type: 'started', ref: params.ref, from: 'e:5', head: 'e:5' }
    if (method === 'subscription') peer.send({ id, result: started })
  })
  await new Promise<void>((resolve) => client.live.subscribe(undefined, { onStarted: () => resolve() }))
  const called = failure(client.save.mutate('x'))
  await server.frame('mutation')
  connection.restart()
  expect(await called).toMatchObject({ code: 'CLOSED', mayHaveRun: true })
  const again = await server.frame('subscription', 1)
  expect(again.params).toMatchObject({ ref: 2 })
  expect(again.params).not.toHaveProperty('lastEventId')
  expect(server.peers[0]?.offer[1]).not.toBe(server.peers[1]?.offer[1])
})

test('reports each change of its state once, and keeps the same object until then', async () => {
  const { server, connection, client } = await start(answer)
  const states: ConnectionState[] = []
  connection.subscribe((state) => states.push(state))
  await client.add.query(1)
  expect(connection.state).toBe(connection.state)
  const back = reached(connection, 'reconnecting')
  server.cut()
  expect(await back).toMatchObject({ attempt: 1, cause: { code: 'network' } })
  await reached(connection, 'open')
  expect(states.map(({ status }) => status)).toEqual(['connecting', 'open', 'reconnecting', 'open'])
})

test('iterate yields events, and throws the error that onError would get', async () => {
  const { client, server } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    const started = { id, result: { type: 'started', ref: params.ref, from: 'e:0', head: 'e:2' } }
    peer.send([started, event(id, 'e:1'), event(id, 'e:2')])
  })
  const seen: string[] = []
  const loop = async () => {
    for await (const { id } of iterate(client.live, undefined)) {
      seen.push(id)
      if (id === 'e:2') server.peer().send({ id: 1, error: { code: 1, message: 'over', data: {} } })
    }
  }
  await expect(loop()).rejects.toThrow('over')
  expect(seen).toEqual(['e:1', 'e:2'])
  for await (const { id } of iterate(client.live, undefined, { signal: AbortSignal.timeout(5_000) })) {
    if (id === 'e:2') break
  }
  expect(await server.frame('subscription.stop')).toMatchObject({ id: 2 })
})

test('a `for await` loop over a subscription without callbacks works', async () => {
  const { client } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    peer.send([{ id, result: { type: 'started', ref: params.ref, from: 'e:0', head: 'e:1' } }, event(id, 'e:1')])
  })
  for await (const { id } of client.live.subscribe(undefined)) {
    expect(id).toBe('e:1')
    break
  }
})

test('a transformer works on inputs, answers, events and errors', async () => {
  const dates = initTRPC.create({ transformer: superjson })
  const dated = dates.router({
    next: dates.procedure.input(z.date()).query(({ input }) => input),
    live: dates.procedure.subscription(async function* (): AsyncGenerator<{ id: string; data: Date }> {}),
  })
  const { server } = await start(({ id, method, params }, peer) => {
    if (method === 'query') return peer.send({ id, result: { type: 'data', data: params.input } })
    const data = superjson.serialize({ id: 'e:1', data: new Date(2) })
    peer.send([
      { id, result: { type: 'started', ref: 1, from: 'e:0', head: 'e:1' } },
      { id, result: { type: 'data', id: 'e:1', data } },
      { id, error: superjson.serialize({ code: 1, message: 'over', data: { at: new Date(3) } }) },
    ])
  })
  const connection = createConnection({ url: server.url, WebSocket })
  open.push(connection)
  const client = createClient<typeof dated>({ connection, transformer: superjson })
  expect(await client.next.query(new Date(1))).toEqual(new Date(1))
  const seen: unknown[] = []
  const error = await new Promise((resolve) =>
    client.live.subscribe(undefined, { onData: ({ data }) => seen.push(data), onError: resolve }),
  )
  expect(seen).toEqual([new Date(2)])
  expect(error).toMatchObject({ data: { at: new Date(3) } })
})

test('a transformer on one side only fails calls and subscriptions with an explanation, and nothing is sent once it is known [TL-HELLO-6]', async () => {
  const dates = initTRPC.create({ transformer: superjson })
  const dated = dates.router({
    next: dates.procedure.query(() => 1),
    live: dates.procedure.subscription(async function* (): AsyncGenerator<number> {}),
  })
  for (const there of [true, false]) {
    const server = await startWireServer(({ id, method }, peer) => {
      const data = there ? { json: 1 } : 1
      if (method === 'query') return peer.send({ id, result: { type: 'data', data } })
      if (method === 'subscription') peer.send({ id, result: { type: 'started', ref: 1, from: 'e:0', head: 'e:0' } })
    })
    server.hello['transformer'] = there
    const connection = createConnection({ url: server.url, WebSocket })
    open.push(connection, server)
    const client = createClient<typeof dated>({ connection, ...(there ? {} : { transformer: superjson }) } as never)
    const words = there ? /^Only the router has a data transformer/ : /^Only this client has a data transformer/
    const failed = () => new Promise((onError) => client.live.subscribe(undefined, { onError }))
    const [called, subscribed] = await Promise.all([client.next.query().catch((error: unknown) => error), failed()])
    for (const error of [called, subscribed]) expect(error).toMatchObject({ message: expect.stringMatching(words) })
    const sent = server.frames.filter(({ method }) => method === 'query').length
    await expect(client.next.query()).rejects.toThrow(words)
    expect(await failed()).toMatchObject({ message: expect.stringMatching(words) })
    expect(server.frames.filter(({ method }) => method === 'query')).toHaveLength(sent)
  }
})

test('an input that is not JSON and an answer that cannot be deserialised reject, and the connection stays usable', async () => {
  const { server, client } = await start(answer)
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  await expect(client.save.mutate(cyclic as unknown as string)).rejects.toThrow('circular')
  const error = await new Promise((resolve) =>
    client.live.subscribe(cyclic as unknown as undefined, { onError: resolve }),
  )
  expect(error).toBeInstanceOf(TRPCClientError)
  const dated = initTRPC.create({ transformer: superjson }).router({})
  const connection = createConnection({ url: server.url, WebSocket })
  open.push(connection)
  const broken = { serialize: (value: unknown) => value, deserialize: () => JSON.parse('{') }
  const reader = createClient<typeof dated>({ connection, transformer: broken }) as unknown as typeof client
  await expect(reader.add.query(1)).rejects.toThrow('cannot read')
  expect(await client.add.query(1)).toBe(2)
})

test('unknown messages of the server are ignored [TL-BAD-6]', async () => {
  const { server, client } = await start((frame, peer) => {
    peer.socket.send('no json')
    peer.send([{ nonsense: true }, { id: 99, result: { type: 'data' } }, null, 7])
    peer.send([{ id: frame.id }, { id: frame.id, result: { type: 'data', data: 2 } }])
  })
  expect(await client.add.query(1)).toBe(2)
  expect(server.peers).toHaveLength(1)
})

test('a signal that has already aborted sends nothing and opens no socket', async () => {
  const { server, connection, client } = await start(answer)
  const signal = AbortSignal.abort()
  await expect(client.add.query(1, { signal })).rejects.toThrow('abort')
  await expect(client.save.mutate('x', { signal })).rejects.toThrow('abort')
  const onComplete = vi.fn()
  client.live.subscribe(undefined, { signal, onData: () => {}, onComplete })
  expect(onComplete).toHaveBeenCalledOnce()
  for await (const _ of iterate(client.live, undefined, { signal })) expect.unreachable()
  for await (const _ of client.live.subscribe(undefined, { signal })) expect.unreachable()
  expect(connection.state).toEqual({ status: 'idle' })
  await client.add.query(1)
  expect(server.frames.map(({ method }) => method)).toEqual(['hello', 'query'])
})

test('close settles every pending next() of iterate', async () => {
  const { connection, client } = await start()
  const iterator = iterate(client.live, undefined)
  const pending = [iterator.next(), iterator.next()]
  await connection.close()
  expect(await Promise.all(pending)).toEqual(pending.map(() => ({ done: true, value: undefined })))
})

test('a subscription keeps its input when the application changes the object', async () => {
  const inputs: unknown[] = []
  const { server, client } = await start(({ id, method, params }, peer) => {
    if (method !== 'subscription') return
    inputs.push(params.input)
    peer.send({ id, result: { type: 'started', ref: params.ref, from: 'e:0', head: 'e:0' } })
  })
  const input = { room: { name: 'a' }, tags: ['x'] }
  client.live.subscribe(input as never, { onData: () => {} })
  await server.frame('subscription')
  input.room.name = 'b'
  input.tags.push('y')
  server.cut()
  await server.frame('subscription', 1)
  expect(inputs).toEqual([
    { room: { name: 'a' }, tags: ['x'] },
    { room: { name: 'a' }, tags: ['x'] },
  ])
})
