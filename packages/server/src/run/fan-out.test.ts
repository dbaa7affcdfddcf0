import { describe, expect, test } from 'vitest'
import type { Subscriber } from '../ports/store.ts'
import { createRoom, publish, type Room, slotsOf, subscribe, topic } from './room.suite.ts'

/** Puts rows of subscribers whose sockets are open, as 10,000 subscribes would; the delivery to them is real. */
async function seed(room: Room, from: number, count: number, shardOf = (_: number) => 0): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const row: Subscriber = {
      topic,
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

/** Streams the log's newest slot and runs what `deliver` is invoked for, its own invocations included. Gives how many there were. */
async function deliverNewest(room: Room, remaining = 300_000): Promise<number> {
  const newest = (await slotsOf(room)).slice(-1)
  await room.stream(newest.map((slot) => ({ topic, slot })))
  let invocations = 0
  for (let jobs = room.invoked.splice(0); jobs.length > 0; jobs = room.invoked.splice(0))
    for (const { payload } of jobs) {
      invocations += 1
      const context = { getRemainingTimeInMillis: () => remaining }
      await inTime(
        room,
        room.line.run(room.binding, () => room.handlers.deliver(payload, context)),
      )
    }
  return invocations
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

describe('one publish to 10,000 connections', { timeout: 60_000 }, () => {
  test('reaches each once, by one function for each shard, which grow with what is put and no further', async () => {
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
    await seed(room, 6_000, 4_000, (n) => n % 2)
    await publish(room, 'four')
    await deliverNewest(room)
    expect(postsOf(room, 10_000)).toEqual([...Array(6_000).fill(4), ...Array(4_000).fill(1)])
  })
  test('grows again when the younger shards are full too', async () => {
    const room = createRoom()
    await room.store.growShards(topic, 1, 2)
    await seed(room, 0, 10_100, (n) => n % 2)
    await publish(room, 'one')
    await deliverNewest(room)
    expect(await shardsOf(room)).toBe(4)
  })
  test('is handed on, page by page, when a function’s time is short, and counts its rows on', async () => {
    const room = createRoom()
    await seed(room, 0, 5_500)
    await publish(room, 'one')
    let remaining = 8_400
    // The first invocations have no time for a single page more than they began; later ones have.
    const handlers = room.handlers.deliver
    Object.assign(room.handlers, {
      deliver: (job: unknown) => {
        const left = remaining
        remaining += 100
        return handlers(job, { getRemainingTimeInMillis: () => left })
      },
    })
    expect(await deliverNewest(room)).toBeGreaterThan(1)
    expect(postsOf(room, 5_500)).toEqual(Array(5_500).fill(1))
    expect(await shardsOf(room)).toBe(2)
  })
  test('reaches those who subscribe while it is delivered once, by the answer or by the push', async () => {
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
