// More than 200 lines: what a channel with partitions does, on one room.

import { initTRPC } from '@trpc/server'
import { expect, test, vi } from 'vitest'
import * as z from 'zod'
import { anonymous, type LineMeta } from '../../define/identity.ts'
import { partitionOf } from '../../define/partitions.ts'
import { topicOfPartition } from '../../define/topic.ts'
import { openHttp } from '../../lambda/http/http-client.suite.ts'
import { messagesOf, read } from '../../lambda/http/read-client.suite.ts'
import { createTestLine, type TestClient } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { publishBatch } from '../../line/publish-all.ts'
import type { Store } from '../../ports/store.ts'

const key = z.object({ room: z.string() })
const event = z.object({ by: z.string(), n: z.number() })
const topic = 'ticks?room=s:x'
const hour = 3_600_000

interface WorldOptions {
  readonly store?: (store: Store) => Store
  readonly rooms?: readonly string[]
}

/** One version of an application: a line whose channel has this many partitions. Undefined: a channel without. */
function versionOf(count: number | undefined) {
  const line = createLine<{ readonly rooms: readonly string[] }>()
  const partitionBy = ({ by }: z.infer<typeof event>) => by
  const ticks =
    count === undefined
      ? line.channel('ticks', { key, event })
      : line.channel('ticks', { key, event, partitions: count, partitionBy })
  const asked: unknown[] = []
  const chosen = { partition: 0 }
  const guarded = line.channel('guarded', {
    key,
    event,
    ...(count !== undefined && { partitions: count, partitionBy }),
    authorize: (at: { readonly room: string }, caller: { readonly principal: unknown }) => {
      asked.push([at, caller.principal])
      return at.room === 'x' || 'This room is private.'
    },
  } as unknown as { key: typeof key; event: typeof event; partitions: number })
  const spread = line.channel('spread', { key, event, partitions: count ?? 1 })
  const t = initTRPC.context<{ load?: () => unknown }>().meta<LineMeta>().create()
  const repeatable = t.procedure.meta({ repeatable: true })
  const router = t.router({
    live: t.procedure
      .input(key.extend({ lastEventId: z.string().optional() }))
      .subscription(({ input }) => ticks.subscribe(input)),
    page: t.procedure.input(key).subscription(({ input }) => ticks.subscribe(input).startWith(() => ({ all: true }))),
    loud: t.procedure.input(key).subscription(({ input }) => ticks.subscribe(input).filter(({ n }) => n % 2 === 0)),
    rated: t.procedure
      .meta({ rate: '5/h' })
      .input(key)
      .subscription(({ input }) => ticks.subscribe(input)),
    one: t.procedure
      .input(key.extend({ partition: z.number() }))
      .subscription(({ input }) =>
        'partitions' in ticks ? ticks.subscribe(input, { partition: input.partition }) : ticks.subscribe(input),
      ),
    quiet: t.procedure
      .input(key)
      .subscription(({ input }) => ticks.subscribe(input).map(({ n }) => ({ twice: 2 * n }))),
    chosen: t.procedure
      .input(key)
      .subscription(({ input }) =>
        ('partitions' in ticks ? ticks.subscribe(input, chosen) : ticks.subscribe(input)).filter(() => true),
      ),
    guarded: t.procedure.input(key).subscription(({ input }) => guarded.subscribe(input)),
    post: repeatable.input(event).mutation(({ input }) => ticks.publish({ room: 'x' }, input)),
    throw: repeatable.input(event).mutation(({ input }) => spread.publish({ room: 'x' }, input)),
  })
  return { line, ticks, spread, guarded, asked, chosen, router }
}

function worldOf(count: number | undefined, { store }: WorldOptions = {}) {
  const version = versionOf(count)
  const failures: string[] = []
  const made = createTestLine({
    line: version.line,
    router: version.router,
    ...(store && { store }),
    authorize: () => anonymous,
    anonymousMay: 'everything',
    onError: ({ error }) => failures.push(error.message),
  })
  const { ticks } = version
  const publish = (by: string, n: number, options: { idempotencyKey?: string; partitionKey?: string } = {}) =>
    made.asScript(() => ticks.publish({ room: 'x' }, { by, n }, options as object))
  const slotsOf = async (index: number, of = topic) =>
    (await made.store.readSlots(topicOfPartition(of, index), 0, 1_000)).slots
  const dataOf = async (index: number, of = topic) =>
    (await slotsOf(index, of)).flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data) as unknown]))
  return { ...made, ...version, failures, publish, slotsOf, dataOf }
}
type World = ReturnType<typeof worldOf>

let ids = 0
/** Subscribes, and returns the frames that answered and all that are pushed later. */
async function subscribe(
  client: TestClient,
  path: string,
  { input = {}, id = ++ids, ...params }: Record<string, unknown> = {},
) {
  const before = client.frames().length
  const frame = {
    id,
    method: 'subscription',
    params: { path, input: { room: 'x', ...(input as object) }, ref: 1, ...params },
  }
  const answer = await client.send(frame)
  const own = () =>
    client
      .frames()
      .slice(before)
      .filter((each) => (each as { id: unknown }).id === id)
  return { id, answer, frames: own as () => readonly Frame[] }
}
interface Frame {
  readonly error?: { readonly message: string; readonly data?: { readonly partitions?: unknown } }
  readonly result: {
    readonly type: string
    readonly id?: string
    readonly gap?: string
    readonly from?: string
    readonly data?: { readonly partitions?: unknown; readonly data?: unknown }
  }
}
const eventsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ result }) => (result?.type === 'data' && result.id !== undefined ? [result.data?.data] : []))

/** A partition key of each partition. */
const keysOf = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    for (let n = 0; ; n++) if (partitionOf(`k${n}`, count) === index) return `k${n}`
  })

test('each partition is a log of its own, and that of partition 0 has the name of the topic [TL-PART-1]', async () => {
  const world = worldOf(4)
  for (const by of keysOf(4)) await world.publish(by, 1)
  for (const [index, by] of keysOf(4).entries()) expect(await world.dataOf(index)).toEqual([{ by, n: 1 }])
})

test('the id of a published event names its partition and its cursor', async () => {
  const world = worldOf(4)
  const [first = '', , third = ''] = keysOf(4)
  expect((await world.publish(first, 1)).id).toMatch(/^0\.[0-9a-z]+:1$/)
  expect((await world.publish(third, 1)).id).toMatch(/^2\/0\.[0-9a-z]+:1$/)
})

test('a publish names another partition key than partitionBy', async () => {
  const world = worldOf(4)
  const [first = '', second = ''] = keysOf(4)
  await world.publish(first, 1, { partitionKey: second })
  expect(await world.dataOf(1)).toEqual([{ by: first, n: 1 }])
})

test('a keyed publish keeps its partition when the number of partitions grows between its attempts [TL-PART-2] [LAW-PARTITIONS]', async () => {
  const moving =
    Array.from({ length: 99 }, (_, n) => `m${n}`).find((by) => partitionOf(by, 4) !== partitionOf(by, 2)) ?? ''
  const before = worldOf(2)
  const first = await before.publish(moving, 1, { idempotencyKey: 'once' })
  const after = worldOf(4, { store: () => before.store })
  expect(await after.publish(moving, 1, { idempotencyKey: 'once' })).toEqual(first)
  const all = await Promise.all([0, 1, 2, 3].map((index) => after.dataOf(index)))
  expect(all.flat()).toEqual([{ by: moving, n: 1 }])
})

test('a repeated mutation puts its event into one partition, though partitions are chosen at random', async () => {
  const world = worldOf(8)
  const client = await world.connect()
  const params = { path: 'throw', input: { by: 'a', n: 1 }, key: `own.${'k'.repeat(20)}` }
  const [first, second] = [
    await client.send({ id: 1, method: 'mutation', params }),
    await client.send({ id: 2, method: 'mutation', params: { ...params, resend: true } }),
  ] as { result: unknown }[]
  expect(second?.result).toEqual(first?.result)
  const all = await Promise.all(Array.from({ length: 8 }, (_, index) => world.dataOf(index, 'spread?room=s:x')))
  expect(all.flat()).toHaveLength(1)
})

test('a batch keeps the order of each partition key', async () => {
  const world = worldOf(4)
  const entries = Array.from({ length: 40 }, (_, n) => world.ticks.entry({ room: 'x' }, { by: `k${n % 5}`, n }))
  const results = await world.asScript(() => publishBatch(world.line, entries))
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  const all = (await Promise.all([0, 1, 2, 3].map((index) => world.dataOf(index)))) as { by: string; n: number }[][]
  expect(all.flat()).toHaveLength(40)
  for (const log of all)
    for (let at = 0; at < 5; at++) {
      const own = log.filter(({ by }) => by === `k${at}`).map(({ n }) => n)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
})

test('a batch reports an entry without a backend or a definition, as for a channel with one log', async () => {
  const world = worldOf(4)
  const entry = world.ticks.entry({ room: 'x' }, { by: 'a', n: 1 })
  vi.stubEnv('TRUNKLINE_TABLE', undefined)
  expect(await publishBatch(world.line, [entry])).toMatchObject([{ status: 'rejected' }])
  const foreign = { channel: 'ticks' } as never
  const results = await world.asScript(() => publishBatch(world.line, [foreign, entry]))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
})

test.each([false, true])(
  'a client that merges none is refused with the remedy (stock: %j) [TL-PART-3]',
  async (stock) => {
    const world = worldOf(4)
    const client = await world.connect({ stock })
    const { frames } = await subscribe(client, 'live')
    expect(frames()[0]?.error?.message).toContain('mergePartitions() of @trunkline/client/partitions')
    expect(world.failures).toHaveLength(1)
  },
)

test('a client that merges gets the number of partitions, which is no failure [TL-PART-3]', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  expect((await subscribe(client, 'live#')).frames()[0]?.error?.data?.partitions).toEqual({ count: 4 })
  expect((await subscribe(client, 'page#')).frames()[0]?.error?.data?.partitions).toEqual({ count: 4, state: true })
  expect(world.failures).toEqual([])
})

test.each([undefined, 1])('a channel with one log is subscribed to at once (partitions: %j)', async (count) => {
  const world = worldOf(count)
  const client = await world.connect()
  const { frames } = await subscribe(client, 'live#')
  await world.publish('a', 1)
  await deliver(world, 0)
  expect(frames().map(({ result }) => result.type)).toEqual(['started', 'data'])
})

/** Does what the table's stream does with the slots of a partition. */
async function deliver(world: World, index: number) {
  const slots = await world.slotsOf(index)
  await world.stream(slots.map((slot) => ({ topic: topicOfPartition(topic, index), slot })))
}

test('a partition is an ordinary subscription to its log, also with a filter [TL-PART-4]', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  const { frames } = await subscribe(client, 'loud#2/4')
  expect(frames()[0]?.result.data).toEqual({ partitions: { count: 4, at: frames()[1]?.result.from } })
  const [, , third = ''] = keysOf(4)
  for (const n of [1, 2, 3, 4]) await world.publish(third, n)
  await deliver(world, 2)
  expect(eventsOf(frames())).toEqual([
    { by: third, n: 2 },
    { by: third, n: 4 },
  ])
})

test('map converts the events of each partition, live and replayed [TL-PART-4]', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  const [, second = '', third = ''] = keysOf(4)
  const live = await subscribe(client, 'quiet#2/4')
  await world.publish(third, 2)
  await deliver(world, 2)
  expect(eventsOf(live.frames())).toEqual([{ twice: 4 }])
  await world.publish(second, 5)
  expect(eventsOf((await subscribe(client, 'quiet#1/4@start')).frames())).toEqual([{ twice: 10 }])
})

test('authorize decides about each partition by the key of its topic, before a row is written [TL-PART-4]', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  for (const index of [0, 3]) {
    const { frames } = await subscribe(client, `guarded#${index}/4`)
    expect(frames().map(({ result }) => result.type)).toEqual(['data', 'started'])
  }
  const refused = await subscribe(client, 'guarded#2/4', { input: { room: 'y' } })
  expect(refused.frames()).toMatchObject([{ error: { message: 'This room is private.', data: { code: 'FORBIDDEN' } } }])
  const rowsOf = async (of: string) => (await world.store.readSubscribers(of, 0)).subscribers
  expect(await rowsOf('guarded?room=s:x/3')).toHaveLength(1)
  expect(await rowsOf('guarded?room=s:y/2')).toEqual([])
  expect(world.asked).toContainEqual([{ room: 'y' }, null])
  expect(new Set(world.asked.map((each) => JSON.stringify(each))).size).toBe(2)
})

test('a procedure that chooses another partition later ends the subscription, as for another topic', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  const [, second = ''] = keysOf(4)
  world.chosen.partition = 1
  const { frames } = await subscribe(client, 'chosen')
  await world.publish(second, 2)
  world.chosen.partition = 2
  await deliver(world, 1)
  expect(eventsOf(frames())).toEqual([])
  expect(JSON.stringify(frames().at(-1))).toContain('TOPIC_CHANGED')
})

test('only the last partition loads the state of startWith [TL-PART-5]', async () => {
  const world = worldOf(2)
  const client = await world.connect()
  const typesOf = async (path: string) => (await subscribe(client, path)).frames().map(({ result }) => result.type)
  expect(await typesOf('page#0/2')).toEqual(['data', 'started'])
  expect(await typesOf('page#1/2')).toEqual(['data', 'started', 'snapshot'])
  expect(await typesOf('page#2/3@start')).not.toContain('snapshot')
})

test('one partition is for every client, with the ids of its log', async () => {
  const world = worldOf(4)
  const [, second = ''] = keysOf(4)
  const clients = [await world.connect(), await world.connect({ stock: true })]
  const subscriptions = []
  for (const client of clients) subscriptions.push(await subscribe(client, 'one', { input: { partition: 1 } }))
  await world.publish(second, 7)
  await deliver(world, 1)
  for (const { frames } of subscriptions) expect(eventsOf(frames())).toEqual([{ by: second, n: 7 }])
})

test('a read over HTTP is of one partition, and one of all is refused', async () => {
  const world = worldOf(4)
  const [, second = ''] = keysOf(4)
  await world.publish(second, 7)
  const page = await read(world, 'one', { input: { room: 'x', partition: 1 } })
  expect(messagesOf(page)).toEqual([{ by: second, n: 7 }])
  for (const path of ['live', 'live%23', 'live%231%2F4']) {
    const { statusCode, body } = await read(world, path)
    const status = path === 'live' ? 412 : 404
    expect([statusCode, JSON.parse(body).error.data.httpStatus]).toEqual([status, status])
    if (path === 'live') expect(body).toContain('subscribe(key, { partition })')
  }
})

test.each(['', 'x'.repeat(100_000), '\ud800', '\0'])('any text is a partition key (%#)', async (partitionKey) => {
  const world = worldOf(4)
  const ids = [await world.publish('a', 1, { partitionKey }), await world.publish('b', 2, { partitionKey })]
  const all = await Promise.all([0, 1, 2, 3].map((index) => world.dataOf(index)))
  expect([ids.length, all.filter((data) => data.length > 0)]).toEqual([
    2,
    [
      [
        { by: 'a', n: 1 },
        { by: 'b', n: 2 },
      ],
    ],
  ])
})

test.each([-1, 4, 15, 16, 1.5])('partition %d of a channel with 4 is refused', async (partition) => {
  const world = worldOf(4)
  const refusal = 'Expected a partition of channel ticks from 0'
  for (const stock of [false, true]) {
    const { frames } = await subscribe(await world.connect({ stock }), 'one', { input: { partition } })
    expect(frames()[0]?.error?.message).toContain(refusal)
  }
  const { statusCode, body } = await read(world, 'one', { input: { room: 'x', partition } })
  expect([statusCode, body]).toEqual([400, expect.stringContaining(refusal)])
  const page = world.asScript(() => (world.ticks as ReturnType<typeof partitioned>).read({ room: 'x' }, { partition }))
  await expect(page).rejects.toThrow(refusal)
})

test('a partition that a newer version has added is one of an older version too', async () => {
  const [before, client] = await grown()
  const { frames } = await subscribe(client, 'one', { input: { partition: 3 } })
  expect(frames()[0]?.result.type).toBe('started')
  const page = before.asScript(() =>
    (before.ticks as ReturnType<typeof partitioned>).read({ room: 'x' }, { partition: 3 }),
  )
  expect((await page).events).toHaveLength(1)
})

test('the request for the number and each partition count as a subscribe of their procedure', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  const codes = []
  for (const path of ['rated#', 'rated#0/4', 'rated#1/4', 'rated#2/4', 'rated#3/4', 'rated#'])
    codes.push((await subscribe(client, path)).frames()[0]?.error?.data)
  expect(codes).toMatchObject([
    { partitions: { count: 4 } },
    ...Array(4).fill(undefined),
    { code: 'TOO_MANY_REQUESTS' },
  ])
})

test('a subscribe after a growth is answered with the new number by an older version too [TL-PART-6]', async () => {
  const [before, client] = await grown()
  const { frames } = await subscribe(client, 'live#0/2')
  expect(frames()[0]?.result.data?.partitions).toMatchObject({ count: 4 })
  expect((await subscribe(client, 'live#')).frames()[0]?.error?.data?.partitions).toEqual({ count: 4 })
  expect(before.failures).toEqual([])
})

/** A version of two partitions on the table of one of four, which has published. */
async function grown(): Promise<[World, TestClient, World]> {
  const before = worldOf(2)
  const client = await before.connect()
  const after = worldOf(4, { store: () => before.store })
  for (const by of keysOf(4)) await after.publish(by, 1)
  return [before, client, after]
}

test('an older version publishes to as many partitions as the highest declared number [LAW-PARTITIONS]', async () => {
  const [, , after] = await grown()
  const older = worldOf(2, { store: () => after.store })
  const [, , third = ''] = keysOf(4)
  await older.publish(third, 2)
  expect(await older.dataOf(2)).toHaveLength(2)
})

test('a partition that was added is replayed from its first event [TL-PART-6]', async () => {
  const [, client] = await grown()
  const { frames } = await subscribe(client, 'live#2/4@start')
  expect(frames()[1]?.result).not.toHaveProperty('gap')
  expect(eventsOf(frames())).toEqual([{ by: keysOf(4)[2], n: 1 }])
})

test('a partition that was added and has no event begins with the next one', async () => {
  const world = worldOf(4)
  const client = await world.connect()
  const { frames } = await subscribe(client, 'live#2/4@start')
  expect(frames()[1]?.result).not.toHaveProperty('gap')
  expect(eventsOf(frames())).toEqual([])
})

test('a partition that was added longer ago than events are kept begins with a gap [TL-PART-6]', async () => {
  const [before] = await grown()
  await before.clock.advance(25 * hour)
  const client = await before.connect()
  const { frames } = await subscribe(client, 'live#2/4@start')
  expect(frames()[1]?.result).toMatchObject({ type: 'started', gap: 'expired' })
})

test('a sync of partition 0 says that partitions were added [TL-PART-6]', async () => {
  const before = worldOf(2)
  const client = await before.connect()
  const { id, frames } = await subscribe(client, 'live#0/2')
  const from = frames()[1]?.result.from
  const sync = { id: 's', method: 'sync', params: { subscriptions: [{ id, ref: 1, from }] } }
  const after = worldOf(4, { store: () => before.store })
  const other = await after.connect({ connectionId: client.connectionId })
  const answer = (await other.send(sync)) as Frame[]
  expect(answer.map(({ result }) => result.data?.partitions)).toEqual([undefined, { count: 4 }, undefined])
})

test('a position has a cursor of each partition, and one without begins at its start [TL-PART-8]', async () => {
  const world = worldOf(4)
  const keys = keysOf(4)
  const last: string[] = []
  for (const by of keys) last.push((await world.publish(by, 1)).id.replace(/^\d\//, ''))
  for (const by of keys) await world.publish(by, 2)
  const client = await world.connect()
  const fromVector = async (index: number, lastEventId: string) =>
    (await subscribe(client, `live#${index}/4`, { input: { lastEventId } })).frames()
  const vector = `${last[0]},${last[1]},`
  expect(eventsOf(await fromVector(1, vector))).toEqual([{ by: keys[1], n: 2 }])
  expect(eventsOf(await fromVector(3, vector))).toEqual([
    { by: keys[3], n: 1 },
    { by: keys[3], n: 2 },
  ])
  expect(eventsOf(await fromVector(2, `2/${last[2]}`))).toEqual([{ by: keys[2], n: 2 }])
  const zero = await fromVector(0, `2/${last[2]}`)
  expect(zero[1]?.result).toMatchObject({ type: 'started', gap: 'not-resumable' })
})

test('a subscription of a channel that gets partitions ends with the number, at its sync [TL-PART-7]', async () => {
  const before = worldOf(undefined)
  const client = await before.connect()
  const { id, frames } = await subscribe(client, 'live')
  const after = worldOf(4, { store: () => before.store })
  const other = await after.connect({ connectionId: client.connectionId })
  const from = frames()[0]?.result.from
  const sync = () => other.send({ id: 's', method: 'sync', params: { subscriptions: [{ id, ref: 1, from }] } })
  expect(((await sync()) as Frame[])[0]?.error?.data?.partitions).toEqual({ count: 4 })
  expect(((await sync()) as Frame[])[0]?.error?.message).toContain('not live')
})

test('a subscription of one log ends at its sync when an older version has fewer partitions than were declared [TL-PART-7]', async () => {
  const older = worldOf(1)
  const client = await older.connect()
  const { id, frames } = await subscribe(client, 'live#')
  const from = frames()[0]?.result.from
  const newer = worldOf(4, { store: () => older.store })
  await newer.publish('a', 1)
  const sync = { id: 's', method: 'sync', params: { subscriptions: [{ id, ref: 1, from }] } }
  expect(((await client.send(sync)) as Frame[])[0]?.error?.data?.partitions).toEqual({ count: 4 })
})

test.each<[number, string, (answer: Frame | undefined) => unknown]>([
  [2, 'live#0/2', (answer) => answer?.result.data?.partitions],
  [1, 'live#', (answer) => answer?.error?.data?.partitions],
])(
  'a poll over HTTP says that %i became 4, though partition 0 has no news [TL-PART-6]',
  async (count, path, saidIn) => {
    const older = worldOf(count)
    const client = await openHttp(older)
    const params = { path, input: { room: 'x' }, ref: 1 }
    const from = (await client.send({ id: 1, method: 'subscription', params })).at(-1)?.result?.['from']
    const poll = async (state: unknown) => {
      const asked = { poll: state, subscriptions: [{ id: 1, ref: 1, from }] }
      const answer = (await client.send({ id: 's', method: 'sync', params: asked })) as readonly Frame[]
      return { said: answer.map(saidIn).find(Boolean), state: answer.at(-1)?.result.data }
    }
    const before = await poll(true)
    expect(before.said).toBeUndefined()
    await worldOf(4, { store: () => older.store }).publish(keysOf(4)[2] ?? '', 1)
    await older.clock.advance(10 * 60_000)
    expect((await poll(before.state)).said).toEqual({ count: 4 })
  },
)

test('a version without partitions resumes the log of a client that merges [TL-PART-7]', async () => {
  const world = worldOf(undefined)
  const first = await world.publish('a', 1)
  await world.publish('a', 2)
  const client = await world.connect()
  const { frames } = await subscribe(client, `live#0/1@${first.id}`)
  expect(frames()[0]?.result.data?.partitions).toEqual({ count: 1, at: first.id })
  expect(eventsOf(frames())).toEqual([{ by: 'a', n: 2 }])
})

test.each([false, true])('and at a delivery (stock: %j) [TL-PART-7]', async (stock) => {
  const before = worldOf(undefined)
  const client = await before.connect({ stock })
  await subscribe(client, 'live')
  const after = worldOf(4, { store: () => before.store })
  const other = await after.connect({ connectionId: client.connectionId, stock })
  const [first = ''] = keysOf(4)
  await after.publish(first, 1)
  await deliver(after, 0)
  expect(JSON.stringify(other.frames())).toContain('follows 4 partitions')
})

test('a page is of one partition, whose ids name it', async () => {
  const world = worldOf(4)
  const [, , third = ''] = keysOf(4)
  for (const n of [1, 2, 3]) await world.publish(third, n)
  const read = (options: object) =>
    world.asScript(() =>
      (world.ticks as ReturnType<typeof partitioned>).read({ room: 'x' }, options as { partition: number }),
    )
  const page = await read({ partition: 2, limit: 2 })
  expect(page.events.map(({ data }) => data.n)).toEqual([2, 3])
  expect(page.events[0]?.id).toMatch(/^2\//)
  expect((await read({ partition: 2, before: page.older })).events.map(({ data }) => data.n)).toEqual([1])
  await expect(read({ partition: 1, before: page.older })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(read({})).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(read(undefined as never)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
})
const partitioned = () => createLine().channel('ticks', { key, event, partitions: 4 })

test('an event is erased in the partition that its id names', async () => {
  const world = worldOf(4)
  const [, , third = ''] = keysOf(4)
  const { id } = await world.publish(third, 1)
  expect(await world.asScript(() => world.ticks.erase({ room: 'x' }, id))).toBe('erased')
  expect(await world.dataOf(2)).toEqual([])
})

test('an iteration of all partitions is refused, and one of each works', async () => {
  const world = worldOf(4)
  const [, second = ''] = keysOf(4)
  await world.publish(second, 1)
  const channel = world.ticks as ReturnType<typeof partitioned>
  const all = world.asScript(() => channel.subscribe({ room: 'x' }))
  expect(() => all[Symbol.asyncIterator]()).toThrow(/Iterate each: subscribe\(key, \{ partition \}\)/)
  const one = world.asScript(() =>
    channel.subscribe({ room: 'x' }, { partition: 1, replay: 1 })[Symbol.asyncIterator](),
  )
  expect((await one.next()).value?.[1]).toEqual({ by: second, n: 1 })
  await one.return?.()
})

test.each<[string, object]>([
  ['a whole number from 1 to 16, got 0.', { partitions: 0 }],
  ['a whole number from 1 to 16, got 17.', { partitions: 17 }],
  ['a whole number from 1 to 16, got 2.5.', { partitions: 2.5 }],
  ['a whole number from 1 to 16, got NaN.', { partitions: Number.NaN }],
  ['a whole number from 1 to 16, got string.', { partitions: '4' }],
  ['a whole number from 1 to 16, got null.', { partitions: null }],
  ['partitionBy of channel c to be a function, got string', { partitions: 4, partitionBy: 'author' }],
  ['to have partitions with partitionBy', { partitionBy: () => 'a' }],
])('a declaration is refused: %s', (message, options) => {
  expect(() => createLine().channel('c', { key, event, ...options } as never)).toThrow(message)
})

test('an ephemeral channel, a presence and a stream have no partitions', () => {
  const options = { key, event, data: event, input: event, chunk: event, partitions: 4, produce: async function* () {} }
  const line = createLine()
  expect(() => line.ephemeral('e', options as never)).toThrow('Expected ephemeral channel e without partitions')
  expect(() => line.presence('p', options as never)).toThrow('Expected presence p without partitions')
  expect(() => line.stream('s', options as never)).toThrow('Expected stream s without partitions')
})

test.each([7, null, {}, Promise.resolve('a')])('a partition key that is %j is refused', async (partitionKey) => {
  const world = worldOf(4)
  const wrong = { partitionKey: partitionKey as never }
  await expect(world.publish('a', 1, wrong)).rejects.toThrow('to be a string, got')
  const line = createLine()
  const channel = line.channel('ticks', { key, event, partitions: 4, partitionBy: () => partitionKey as never })
  const published = line.withBackend(world.backend, () => channel.publish({ room: 'x' }, { by: 'a', n: 1 }))
  await expect(published).rejects.toThrow('to be a string, got')
})

test('a partition key for a channel without partitions is refused', async () => {
  await expect(worldOf(undefined).publish('a', 1, { partitionKey: 'a' })).rejects.toThrow('has no partitions')
})

test('the types have what belongs to partitions where a channel has them, and nowhere else', () => {
  const line = createLine()
  const [one, many] = [line.channel('one', { key, event }), line.channel('many', { key, event, partitions: 4 })]
  const at = { room: 'x' }
  const neverCalled = () => [
    many.publish(at, { by: 'a', n: 1 }, { partitionKey: 'a' }),
    many.read(at, { partition: 1 }),
    // @ts-expect-error: a channel with one log takes no partition key
    one.publish(at, { by: 'a', n: 1 }, { partitionKey: 'a' }),
    // @ts-expect-error: a page is of one partition
    many.read(at),
    // @ts-expect-error: an offset is of one log
    many.erase(at, 7),
    // @ts-expect-error: partitionBy gets the event of the schema
    line.channel('typed', { key, event, partitions: 4, partitionBy: ({ author }) => author }),
    // @ts-expect-error: an ephemeral channel has no log
    line.ephemeral('typing', { key, event, partitions: 4 }),
  ]
  expect(neverCalled).toBeTypeOf('function')
  expect(many.partitions).toBe(4)
})

test('partition keys are spread evenly, and a growth moves them to new partitions alone', () => {
  const keys = Array.from({ length: 8_000 }, (_, n) => `user-${n}`)
  for (const count of [2, 4, 8, 16]) {
    const sizes = Array.from({ length: count }, () => 0)
    for (const name of keys) sizes[partitionOf(name, count)] = (sizes[partitionOf(name, count)] ?? 0) + 1
    for (const size of sizes) expect(Math.abs(size - keys.length / count)).toBeLessThan((0.2 * keys.length) / count)
  }
  for (const name of keys) {
    const grown = partitionOf(name, 5)
    if (grown !== partitionOf(name, 4)) expect(grown).toBe(4)
  }
})
