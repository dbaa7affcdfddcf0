import { describe, expect, test } from 'vitest'
import type { Subscriber } from '../../ports/subscribers.ts'
import {
  createRoom,
  otherTopic,
  publish,
  type Room,
  type RoomOptions,
  slotsOf,
  subscribe,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'

/** Puts rows of subscribers whose sockets are open, as 10,000 subscribes would; the delivery to them is real. */
async function seed(
  room: Room,
  from: number,
  count: number,
  { shardOf = () => 0, of = topic }: { readonly shardOf?: (n: number) => number; readonly of?: string } = {},
): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const row: Subscriber = {
      topic: of,
      shard: shardOf(n),
      connectionId: `seed${n}=`,
      id: '1',
      ref: 1,
      on: true,
      path: 'live',
      input: '{"room":"x"}',
      extensions: true,
      expires: Math.ceil(room.clock.now() / 1_000) + 7_200,
    }
    await room.store.putSubscriber(row)
    room.gateway.open(row.connectionId)
  }
}

/**
 * Streams the log's newest slot and runs what `deliver` is invoked for, its own invocations included. Gives how many
 * there were.
 */
async function deliverNewest(room: Room): Promise<number> {
  return (await deliverAll(room, [topic])).length
}

/** The same for the newest slots of several topics. Gives the jobs. */
async function deliverAll(
  room: Room,
  topics: readonly string[],
  timeLeft = () => 300_000,
): Promise<readonly unknown[]> {
  const newest = topics.map(async (of) => ({ topic: of, slot: (await slotsOf(room, of)).at(-1) }))
  const known = (await Promise.all(newest)).flatMap(({ slot, ...rest }) =>
    slot === undefined ? [] : [{ ...rest, slot }],
  )
  await room.stream(known)
  const done: unknown[] = []
  for (let jobs = room.invoked.splice(0); jobs.length > 0; jobs = room.invoked.splice(0))
    for (const { payload } of jobs) {
      done.push(payload)
      const work = room.line.withBackend(room.backend, () =>
        room.handlers.deliver(payload, { getRemainingTimeInMillis: timeLeft }),
      )
      await inTime(room, work)
    }
  return done
}

/** Lets time pass until it is done: posts keep within the account's rate. */
async function inTime(room: Room, work: Promise<unknown>): Promise<void> {
  let done = false
  const ended = work.finally(() => {
    done = true
  })
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve))
    await room.clock.advance(10)
  }
  await ended
}

const shardsOf = async (room: Room) => (await room.store.readSubscribers(topic, 0)).shards
const postsOf = (room: Room, count: number) =>
  Array.from({ length: count }, (_, n) => room.gateway.posted(`seed${n}=`).length)

describe('one publish to 10,000 connections', () => {
  test('reaches each once, by one function per shard, and shards double only as rows are added', async () => {
    const room = createRoom()
    await seed(room, 0, 6_000)
    await publish(room, 'one')
    const before = room.clock.now()
    expect(await deliverNewest(room)).toBe(1)
    expect(room.clock.now() - before).toBeGreaterThanOrEqual(500) // 6,000 at 10,000 a second, a burst of 1,000
    expect(await shardsOf(room)).toBe(2)
    await publish(room, 'two')
    await deliverNewest(room)
    await publish(room, 'three')
    expect(await deliverNewest(room)).toBe(2)
    expect(await shardsOf(room)).toBe(2) // the old shard is as full as ever: nothing is gained by more
    await seed(room, 6_000, 4_000, { shardOf: (n) => n % 2 })
    await publish(room, 'four')
    await deliverNewest(room)
    expect(postsOf(room, 10_000)).toEqual([...Array(6_000).fill(4), ...Array(4_000).fill(1)])
  })
  test('doubles the shards again when the younger shards are full', async () => {
    const room = createRoom()
    await room.store.growShards(topic, 1, 2)
    await seed(room, 0, 10_100, { shardOf: (n) => n % 2 })
    await publish(room, 'one')
    await deliverNewest(room)
    expect(await shardsOf(room)).toBe(4)
  })
  test('is continued page by page by further functions when time is short, and keeps its count of rows', async () => {
    const room = createRoom()
    await seed(room, 0, 5_500)
    await publish(room, 'one')
    let remaining = 8_400 // the first invocations have no time for a single page more than they began; later ones have
    const timeLeft = () => {
      remaining += 100
      return remaining - 100
    }
    expect((await deliverAll(room, [topic], timeLeft)).length).toBeGreaterThan(1)
    expect(postsOf(room, 5_500)).toEqual(Array(5_500).fill(1))
    expect(await shardsOf(room)).toBe(2)
  })
  test('reaches connections that subscribe during the delivery once, by the response or by the push', async () => {
    const room = createRoom()
    await seed(room, 0, 200)
    const late = await Promise.all(Array.from({ length: 20 }, () => room.connect()))
    await publish(room, 'one')
    await Promise.all([deliverNewest(room), ...late.map((client) => subscribe(client, 1, { path: 'replayed' }))])
    for (const client of late) {
      const offsets = (client.frames() as { result: { id?: string } }[]).map(({ result }) => result.id?.split(':')[1])
      expect(new Set(offsets)).toContain('1')
    }
    expect(postsOf(room, 200)).toEqual(Array(200).fill(1))
  })
})

describe('events of several topics with the same large audience', () => {
  const audience = 150
  const crowded = async (options?: RoomOptions) => {
    const room = createRoom(options)
    await seed(room, 0, audience)
    await seed(room, 0, audience, { of: otherTopic })
    await publish(room, 'one')
    await room.asScript(() => room.events.publish({ room: 'y' }, { text: 'two' }))
    return room
  }
  const framesOf = (room: Room) =>
    Array.from({ length: audience }, (_, n) =>
      room.gateway.posted(`seed${n}=`).map((text) => [JSON.parse(text)].flat().length),
    )
  const both = [topic, otherTopic]
  const turn = expect.any(String)
  const [x, y] = [
    { topic, offset: 1 },
    { topic: otherTopic, offset: 1 },
  ]

  test('are posted to each connection in one message, by one job per shard', async () => {
    const room = await crowded()
    expect(await deliverAll(room, both)).toEqual([{ ...x, beside: [y], shard: 0, turn }])
    expect(framesOf(room)).toEqual(Array(audience).fill([2]))
  })
  test('are posted once when the stream splits a topic’s events into two batches', async () => {
    const room = await crowded()
    for (const text of ['three', 'four']) await publish(room, text)
    const [first, , third] = await slotsOf(room)
    await room.stream([first, third].flatMap((slot) => (slot === undefined ? [] : [{ topic, slot }])))
    const jobs = room.invoked.splice(0).map(({ payload }) => payload)
    expect(jobs).toEqual([{ ...x, through: 3, shard: 0, turn }])
    for (const job of jobs)
      await inTime(
        room,
        room.line.withBackend(room.backend, () => room.handlers.deliver(job, {})),
      )
    expect(framesOf(room)).toEqual(Array(audience).fill([3]))
  })
  test('are delivered by separate jobs when the topics differ in their number of shards', async () => {
    const room = await crowded()
    await room.store.growShards(otherTopic, 1, 2)
    expect(await deliverAll(room, both)).toEqual([
      { ...x, shard: 0, turn },
      { ...y, shard: 0, of: 2, turn },
      { ...y, shard: 1, of: 2, turn },
    ])
    expect(framesOf(room)).toEqual(Array(audience).fill([1, 1]))
  })
  test('are not delayed by a topic whose rows cannot be read, which gets a job of its own', async () => {
    let failures = 1
    const room = await crowded({
      store: (inner) =>
        withOperations(inner, (store) => ({
          readSubscribers: async (of, shard, options) => {
            if (of === otherTopic && options?.limit !== 101 && failures-- > 0) throw new Error('no table')
            return store.readSubscribers(of, shard, options)
          },
        })),
    })
    expect(await deliverAll(room, both)).toEqual([
      { ...x, beside: [y], shard: 0, turn },
      { ...y, taking: expect.any(String), shard: 0, turn },
    ])
    expect(room.failures).toEqual(['no table'])
    expect(framesOf(room)).toEqual(Array(audience).fill([1, 1]))
  })
  test('are continued together, each from its page, when a function’s time is short', async () => {
    const page = 101
    const room: Room = await crowded({
      store: (inner) =>
        withOperations(inner, (store) => ({
          async readSubscribers(of, shard, options) {
            if (options?.limit !== page) await room.clock.sleep(10) // a page takes its time
            return store.readSubscribers(of, shard, { ...options, limit: page })
          },
        })),
    })
    let invocations = 0
    // 5 ms more than a page begins with.
    const jobs = await deliverAll(room, both, () => (invocations++ === 0 ? 8_505 : 300_000))
    expect(jobs).toMatchObject([
      { ...x, beside: [y], shard: 0, turn },
      { ...x, from: expect.any(String), rows: 101, beside: [{ ...y, from: expect.any(String), rows: 101 }], shard: 0 },
    ])
    expect(framesOf(room)).toEqual(Array(audience).fill([2]))
  })
})

describe('events that are appended while a shard is delivered', () => {
  const audience = 120
  const jobOf = (offset: number) => ({ topic, offset, shard: 0, turn: `job ${offset}` })
  const deliver = (room: Room, payload: unknown) =>
    room.line.withBackend(room.backend, () =>
      room.handlers.deliver(payload, { getRemainingTimeInMillis: () => 300_000 }),
    )

  test('are delivered together after the first, by the function that holds the lease', async () => {
    const room = createRoom()
    await seed(room, 0, audience)
    await publish(room, 'first')
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    room.gateway.intercept = () => held.then(() => undefined)
    const first = deliver(room, jobOf(1))
    for (let n = 2; n <= 20; n++) {
      await publish(room, `event ${n}`)
      await deliver(room, jobOf(n)) // ends at once: the first will see to it
    }
    goOn()
    await first
    for (let n = 0; n < audience; n++) {
      const messages = room.gateway.posted(`seed${n}=`).map((text) => [JSON.parse(text)].flat())
      expect([messages.length, messages.flat().length]).toEqual([2, 20])
    }
  })
  test('are not delayed by more than a second by a post that hangs', async () => {
    const room = createRoom()
    await seed(room, 0, audience)
    await publish(room, 'first')
    room.gateway.intercept = (id) => (id === 'seed7=' ? new Promise<never>(() => {}) : undefined)
    const before = room.clock.now()
    await inTime(room, deliver(room, jobOf(1)))
    expect(room.clock.now() - before).toBeLessThan(1_500)
    expect(room.invoked.map(({ payload }) => payload)).toEqual([
      { topic, offset: 1, to: [{ shard: 0, connectionId: 'seed7=', id: '1' }] },
    ])
  })
  test('are not delayed by a slow stock client, which is retried and whose lock is released before the function ends', async () => {
    const room = createRoom()
    const stock = await room.connect({ stock: true })
    await subscribe(stock)
    await seed(room, 0, audience)
    await publish(room, 'first')
    const [{ offset = 0 } = {}] = (await slotsOf(room)).slice(-1)
    room.gateway.intercept = (id) => (id === stock.connectionId ? new Promise<never>(() => {}) : undefined)
    const before = room.clock.now()
    let handedAt = 0
    const { push } = room.invoked
    room.invoked.push = (...jobs) => {
      handedAt ||= room.clock.now() - before
      return push.apply(room.invoked, jobs)
    }
    await inTime(room, deliver(room, jobOf(offset)))
    expect(handedAt).toBeLessThan(1_500)
    expect(room.invoked.map(({ payload }) => payload)).toEqual([
      { topic, offset, to: [{ shard: 0, connectionId: stock.connectionId, id: '7' }] },
    ])
    expect(await room.store.readShardLease(topic, 0)).not.toHaveProperty('holder')
    const row = await room.store.readSubscriber({ topic, shard: 0, connectionId: stock.connectionId, id: '7' })
    expect(row).toBeUndefined() // a post of unknown fate deletes the connection
  })
  test('are left to a function whose posts take longer than its lease, since it renews the lease', async () => {
    const room = createRoom()
    await seed(room, 0, 600)
    await publish(room, 'first')
    room.gateway.intercept = () => room.clock.sleep(5_000).then(() => undefined) // 50 at a time: a minute in all
    const first = deliver(room, jobOf(1))
    for (let ms = 0; ms < 50_000; ms += 500) await room.clock.advance(500)
    const { holder } = (await room.store.readShardLease(topic, 0)) ?? {}
    expect([holder?.jobId, (holder?.expiresAt ?? 0) > room.clock.now()]).toEqual(['job 1', true])
    await inTime(room, first)
    expect(await room.store.readShardLease(topic, 0)).not.toHaveProperty('holder')
  })
  test('are delivered by another invocation after two minutes', async () => {
    const room = createRoom()
    await seed(room, 0, audience)
    await publish(room, 'first')
    let isFirst = true
    room.gateway.intercept = async () => {
      if (!isFirst) return undefined
      isFirst = false
      await publish(room, 'second')
      await deliver(room, jobOf(2))
      room.clock.time += 121_000
      return undefined
    }
    await deliver(room, jobOf(1))
    const rest = { topic, offset: 2, taking: expect.any(String), shard: 0, turn: 'job 1' }
    expect(room.invoked.map(({ payload }) => payload)).toEqual([rest])
    await deliver(room, room.invoked[0]?.payload)
    expect(postsOf(room, audience)).toEqual(Array(audience).fill(2))
  })
})
