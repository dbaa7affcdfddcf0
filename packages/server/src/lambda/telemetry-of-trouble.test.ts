// More than 200 lines: each metric of a failure has its own set-up.
import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { deny } from '../define/identity.ts'
import { formatTopic } from '../define/topic.ts'
import { createLine } from '../line/create-line.ts'
import type { PostOutcome } from '../ports/gateway.ts'
import type { Store } from '../ports/store.ts'
import type { ServeOptions } from './options.ts'
import { recordingTelemetry } from './recording-telemetry.suite.ts'
import { createTestLine, settle, type TestClient, type TestLine } from './test-line.suite.ts'

type Given = Omit<Parameters<typeof createTestLine>[0], 'router' | 'line' | 'telemetry'>

/** A room whose line records its telemetry. */
function watched(given: Given = {}) {
  const { telemetry, ...recorded } = recordingTelemetry()
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({}) })
  const t = initTRPC.meta<{ longRunning?: boolean }>().create()
  const router = t.router({
    add: t.procedure.input(z.number()).query(({ input }) => input + 1),
    odd: t.procedure.query(() => {
      const code = 'chosen-by-a-client' as TRPCError['code'] // what only an application without types can do
      throw new TRPCError({ code })
    }),
    slow: t.procedure.meta({ longRunning: true }).query(() => 'late'),
    hang: t.procedure.mutation(() => new Promise<never>(() => {})),
    post: t.procedure.input(key).mutation(({ input }) => messages.publish(input, { text: 'hi' })),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
    onTyping: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
    join: t.procedure.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
    shut: t.procedure.subscription(() => {
      throw new TRPCError({ code: 'FORBIDDEN' })
    }),
  })
  const made = createTestLine({ line, router, telemetry, onError: () => {}, ...given })
  return { ...made, ...recorded, topic: formatTopic('chat', { room: 'x' }), messages }
}

const input = { room: 'x' }
const listen = (client: TestClient, path = 'live') =>
  client.send({ id: 7, method: 'subscription', params: { path, input, ref: 1 } })
const post = (client: TestClient) => client.send({ id: 1, method: 'mutation', params: { path: 'post', input } })

/** Does `work` while time goes on. */
async function passing<T>({ clock }: TestLine, ms: number, work: Promise<T>): Promise<T> {
  for (let passed = 0; passed < ms; passed += 250) {
    await settle()
    await clock.advance(250)
  }
  return work
}

const answers = (line: TestLine, ...outcomes: readonly PostOutcome[]) => {
  const left = [...outcomes]
  line.gateway.intercept = () => left.shift()
}

describe('a post that fails', () => {
  test('is counted once for each try that was throttled, and once for each repeat', async () => {
    const line = watched()
    const ann = await line.connect()
    await listen(ann)
    answers(line, { status: 'throttled' }, { status: 'throttled' })
    await passing(line, 3_000, post(ann))
    expect([line.sums.get('throttled'), line.sums.get('retried'), line.sums.get('deliveries')]).toEqual([2, 2, 1])
  })

  test('is counted for a stock client too', async () => {
    const line = watched()
    const ann = await line.connect({ stock: true })
    await listen(ann)
    answers(line, { status: 'throttled' })
    await passing(line, 3_000, post(ann))
    expect([line.sums.get('throttled'), line.sums.get('retried'), line.sums.get('deliveries')]).toEqual([1, 1, 1])
  })

  test.each<[string, PostOutcome]>([
    ['refused', { status: 'failed', unknown: false, reason: '403' }],
    ['too large', { status: 'too-large' }],
  ])('is counted as failed when it is %s', async (_, outcome) => {
    const line = watched()
    const ann = await line.connect()
    await listen(ann)
    answers(line, outcome)
    await post(ann)
    expect(line.sums.get('failedPosts')).toBe(1)
  })
})

describe('a subscriber that cannot be posted to', () => {
  test('is counted as handed on, and as redriven when `deliver` retries it', async () => {
    const line = watched()
    const ann = await line.connect()
    await listen(ann)
    answers(line, { status: 'failed', unknown: false, reason: '403' })
    await post(ann)
    expect([line.sums.get('scheduledRetries'), line.sums.get('redriven')]).toEqual([1, undefined])
    const job = line.invoked.find(({ name }) => name === 'deliver')?.payload
    await line.line.withBackend(line.backend, () => line.handlers.deliver(job, {}))
    expect([line.sums.get('redriven'), line.sums.get('deliveries')]).toEqual([1, 1])
  })

  test('is counted as left when its connection accepts posts too slowly', async () => {
    const line = watched()
    const [ann, poster] = [await line.connect(), await line.connect()]
    await listen(ann)
    line.gateway.intercept = (id) => (id === ann.connectionId ? { status: 'throttled' } : undefined)
    for (let n = 0; n < 2; n++) await passing(line, 3_000, post(poster))
    expect(line.sums.get('left')).toBeUndefined()
    for (let n = 0; n < 3; n++) await post(poster)
    expect(line.sums.get('left')).toBe(3) // the retry of the second post brings them
  })
})

const failing = (names: readonly (keyof Store)[]) => (store: Store) =>
  new Proxy(store, {
    get: (target, name) =>
      names.some((one) => one === name) ? () => Promise.reject(new Error('no table')) : Reflect.get(target, name),
  })

describe('a delivery that fails', () => {
  test('is counted when its publisher could not deliver', async () => {
    const line = watched({ store: failing(['readSubscribers']) })
    const ann = await line.connect()
    await post(ann)
    expect([line.sums.get('publishes'), line.sums.get('failedDeliveries')]).toEqual([1, 1])
  })

  test('is counted when the stream could not deliver', async () => {
    const line = watched({ store: failing(['readSubscribers']) })
    await line.asScript(() => line.messages.publish(input, { text: 'hi' }))
    const { slots } = await line.store.readSlots(line.topic, 0, 10)
    await line.stream(slots.map((slot) => ({ topic: line.topic, slot })))
    expect(line.sums.get('failedDeliveries')).toBe(1)
  })
})

describe('a handshake that is refused', () => {
  const options: Given = { authorize: () => deny('no') }

  test('by the authorizer is counted once', async () => {
    const line = watched(options)
    await line.connect()
    expect([line.sums.get('refused'), line.sums.get('connects')]).toEqual([1, undefined])
  })

  test.each([
    ['a denied caller', {}, 401, []],
    ['a foreign page', { Origin: 'https://foreign.example' }, 403, ['https://foreign.example']],
  ])('by `$connect` itself is counted: %s', async (_, headers, statusCode, origins) => {
    const line = watched(options)
    const requestContext = {
      connectionId: 'c=',
      eventType: 'CONNECT',
      routeKey: '$connect',
      connectedAt: line.clock.now(),
    }
    const connect = () => line.handlers.websocket({ requestContext, headers }, {})
    expect(await line.line.withBackend(line.backend, connect)).toEqual({ statusCode })
    expect(line.sums.get('refused')).toBe(1)
    expect(line.logs.map(({ facts }) => facts['origin'])).toEqual(origins)
  })
})

/** What was refused before it ran, by outcome. */
const refusals = ({ sums }: { readonly sums: ReadonlyMap<string, number> }) =>
  Object.fromEntries([...sums].filter(([name]) => name.startsWith('refusedFrames')))

describe('a frame that is refused before anything runs', () => {
  const hour = 3_600_000
  const until = (ms: number): ServeOptions<never, never>['authorize'] =>
    (() => ({ principal: 'ann', claims: {}, expiresAt: new Date(1_800_000_000_000 + ms) })) as never

  test.each<[string, unknown, object]>([
    ['that is no JSON', '{', { 'refusedFrames PARSE_ERROR': 1 }],
    ['without an id', { method: 'query', params: { path: 'add' } }, { 'refusedFrames MALFORMED': 1 }],
    [
      'of a batch that is overfull',
      [1, 2, 3].map((id) => ({ id, method: 'query', params: { path: 'add', input: 1 } })),
      { 'refusedFrames BAD_REQUEST': 3 },
    ],
    [
      'that subscribes to nothing',
      { id: 1, method: 'subscription', params: { path: 'nowhere', ref: 1 } },
      { 'refusedFrames NOT_FOUND': 1 },
    ],
    [
      'whose subscription is forbidden',
      { id: 1, method: 'subscription', params: { path: 'shut', ref: 1 } },
      { 'refusedFrames FORBIDDEN': 1 },
    ],
    [
      'whose chunks are no message',
      { id: 1, method: 'chunk', params: { message: 'm', part: 0, of: 1, bytes: 1, text: '{' } },
      { 'refusedFrames MALFORMED': 1 },
    ],
    [
      'of parameters that nobody announced',
      { method: 'connectionParams', data: {} },
      { 'refusedFrames PARSE_ERROR': 1 },
    ],
    [
      'that syncs what is not live',
      { id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from: '0.e1:1' }] } },
      { 'refusedFrames CONNECTION_LOST': 1 },
    ],
  ])('is counted by outcome: one %s', async (_, message, expected) => {
    const line = watched({ maxBatchSize: 2 })
    const ann = await line.connect()
    await ann.send(message)
    expect(refusals(line)).toEqual(expected)
    expect([...line.sums.keys()].filter((name) => name.startsWith('calls'))).toEqual([])
  })

  test('is counted when its authority has expired', async () => {
    const line = watched({ authorize: until(hour) as never })
    const ann = await line.connect()
    await line.clock.advance(hour + 1)
    await post(ann)
    expect(refusals(line)).toEqual({ 'refusedFrames AUTH_EXPIRED': 1 })
  })

  test('is counted when its caller was denied', async () => {
    const line = watched({ authorize: () => deny('no') })
    await post(await line.connect())
    expect(refusals(line)).toEqual({ 'refusedFrames UNAUTHORIZED': 1 })
  })

  test('is counted as PENDING while another attempt of its key runs', async () => {
    const line = watched()
    const ann = await line.connect()
    const hang = () => ann.send({ id: 1, method: 'mutation', params: { path: 'hang', key: 'own.k' } })
    void hang()
    await settle()
    await hang()
    expect(refusals(line)).toEqual({ 'refusedFrames PENDING': 1 })
  })

  test('is counted in the worker too', async () => {
    const line = watched()
    const ann = await line.connect()
    await ann.send({ id: 1, method: 'query', params: { path: 'slow' } })
    await line.clock.advance(61_000)
    await line.work()
    expect(refusals(line)).toEqual({ 'refusedFrames FUNCTION_FAILED': 1 })
  })

  test('is not counted when it ran, and an unknown code makes no label', async () => {
    const line = watched()
    const ann = await line.connect()
    await ann.send({ id: 1, method: 'query', params: { path: 'odd' } })
    expect(refusals(line)).toEqual({})
    expect(line.sums.get('calls odd INTERNAL_SERVER_ERROR')).toBe(1)
  })
})

describe('who is here', () => {
  test('is counted with the first session that joins and the last that leaves', async () => {
    const line = watched()
    const ann = await line.connect()
    await listen(ann, 'join')
    const bob = await line.connect()
    await listen(bob, 'join')
    expect([line.sums.get('joins'), line.sums.get('leaves')]).toEqual([1, undefined])
    for (const client of [ann, bob]) await client.send({ id: 7, method: 'subscription.stop', params: { ref: 1 } })
    expect([line.sums.get('joins'), line.sums.get('leaves')]).toEqual([1, 1])
  })
})

describe('the log', () => {
  const throwing = () => {
    throw new Error('the pager is down')
  }

  test('has an `onError` that throws, and its call is answered', async () => {
    const line = watched({ onError: throwing })
    const ann = await line.connect()
    expect(await ann.send({ id: 1, method: 'query', params: { path: 'nowhere' } })).toMatchObject({
      error: { data: { code: 'NOT_FOUND' } },
    })
    expect(line.logs).toEqual([
      { level: 'ERROR', message: '`onError` threw.', facts: { error: expect.stringContaining('pager') } },
    ])
  })

  test('has a malformed row of the stream [TL-ROW-1]', async () => {
    const line = watched()
    await line.asScript(() => line.messages.publish(input, { text: 'hi' }))
    const { slots } = await line.store.readSlots(line.topic, 0, 1)
    await line.stream(slots.map((slot) => ({ topic: line.topic, slot: { ...slot, epoch: 'My Epoch' } })))
    expect(line.logs).toEqual([
      {
        level: 'WARN',
        message: expect.stringContaining('TL-ROW-1'),
        facts: { pk: `LOG#${line.topic}`, sk: '0000000000000001', unreadable: ['epoch'] },
      },
    ])
  })
})
