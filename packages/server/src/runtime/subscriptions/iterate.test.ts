import type { TrackedEnvelope } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { SnapshotSubscription, Subscription } from '../../define/subscription.ts'
import { createLine } from '../../line/create-line.ts'
import { internalsOf } from '../../line/internals.ts'
import { memoryBackend } from '../../memory/store.ts'
import { type Clock, systemClock } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import type { Server } from '../context/served-application.ts'
import { pollersOf, pollMs } from './tail-poller.ts'

const day = 24 * 3_600_000
const topic = 'numbers?room=s:a'
const a = { room: 'a' }

/** A clock that does not move by itself. */
interface Still extends Clock {
  /** Moves time from one sleeper to the next. */
  advance(ms: number): Promise<void>
  /** Moves time at once, as a process that was suspended sees it. */
  leap(ms: number): Promise<void>
  readonly sleeping: () => number
}

function createStill(): Still {
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  let now = 1_700_000_000_000
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    now: () => now,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', sleeper.wake)
            resolve()
          },
        }
        if (signal?.aborted) return resolve()
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake)
      }),
    sleeping: () => sleepers.size,
    async leap(ms) {
      now += ms
      await this.advance(0)
    },
    async advance(ms) {
      await settle()
      const target = now + ms
      for (;;) {
        const [next] = [...sleepers].filter(({ at }) => at <= target).sort((x, y) => x.at - y.at)
        if (next === undefined) break
        now = Math.max(now, next.at)
        next.wake()
        await settle()
      }
      now = target
      await settle()
    },
  }
}

/** A line on the memory store whose reads are counted, and may fail. */
function createRoom() {
  const clock = createStill()
  const memory = memoryBackend({ clock })
  const reads = { count: 0, failing: false }
  const store: Store = {
    ...memory.store,
    async readSlots(...asked) {
      reads.count += 1
      if (reads.failing) throw new StoreError('readSlots', false, { cause: 'down' })
      return memory.store.readSlots(...asked)
    },
  }
  const backend = { ...memory, store }
  const line = createLine({ backend })
  const numbers = line.channel('numbers', { key: z.object({ room: z.string() }), event: z.number(), retention: '24h' })
  const publish = async (...events: number[]) => {
    for (const event of events) await numbers.publish(a, event)
  }
  const slotsOf = async () => (await memory.store.readSlots(topic, 0, 1_000)).slots
  return { clock, store, reads, backend, line, numbers, publish, slotsOf }
}

type Room = ReturnType<typeof createRoom>

/** Reads a subscription to its end, and keeps what came. */
function read<T>(subscription: Subscription<T> | SnapshotSubscription<T>) {
  const iterator = subscription[Symbol.asyncIterator]()
  const came: TrackedEnvelope<T>[] = []
  let ended: unknown
  const ending = (async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) came.push(next.value)
  })().then(
    () => {
      ended = 'ended'
    },
    (thrown) => {
      ended = thrown
    },
  )
  return {
    data: () => came.map(([, data]) => data),
    ids: () => came.map(([id]) => id),
    ended: () => ended,
    ending,
    stop: () => iterator.return?.(),
  }
}

/** A slot as another writer puts it: after the others, of its own history. */
async function putSlot({ store, clock, slotsOf }: Room, slot: Partial<Slot>): Promise<void> {
  const offset = ((await slotsOf()).at(-1)?.offset ?? 0) + 1
  const expires = Math.ceil((clock.now() + 3 * day) / 1_000)
  await store.putSlot(topic, { offset, epoch: 'other', publishId: 'p', time: clock.now(), expires, ...slot })
}

describe('an iterated subscription', () => {
  test('replays the log and then follows it without a loss, a duplicate or a reordering', async () => {
    const { clock, numbers, publish } = createRoom()
    await publish(1, 2, 3)
    const reader = read(numbers.subscribe(a, { replay: 2 }))
    await clock.advance(0)
    expect(reader.data()).toEqual([2, 3])
    await publish(4, 5)
    await clock.advance(pollMs.latest)
    await publish(6)
    await clock.advance(pollMs.latest)
    expect(reader.data()).toEqual([2, 3, 4, 5, 6])
    await reader.stop()
  })
  test('misses no event that is published while it starts, with any number of readers', async () => {
    const { clock, numbers, publish } = createRoom()
    const readers = []
    for (let event = 1; event <= 40; event++) {
      const publishing = publish(event)
      if (event % 4 === 1) readers.push({ event, reader: read(numbers.subscribe(a)) })
      if (event % 3 === 0) await clock.advance(100)
      await publishing
    }
    await clock.advance(pollMs.latest)
    for (const { event, reader } of readers) {
      const from = reader.data()[0] ?? 0
      expect(from).toBeLessThanOrEqual(event + 1)
      expect(reader.data()).toEqual(Array.from({ length: 41 - from }, (_, index) => from + index))
      await reader.stop()
    }
  })
  test('gives a slow reader all events, even more than the poller keeps', async () => {
    const { clock, numbers, publish } = createRoom()
    const slow = numbers.subscribe(a)[Symbol.asyncIterator]()
    const first = slow.next()
    const fast = read(numbers.subscribe(a))
    await clock.advance(0)
    await publish(1)
    await clock.advance(pollMs.latest)
    expect((await first).value?.[1]).toBe(1)
    for (let event = 2; event <= 700; event++) {
      await publish(event)
      if (event % 100 === 0) await clock.advance(pollMs.latest)
    }
    await clock.advance(pollMs.latest)
    expect(fast.data()).toHaveLength(700)
    for (let event = 2; event <= 700; event++) expect((await slow.next()).value?.[1]).toBe(event)
    await slow.return?.()
    await fast.stop()
  })
  test('resumes after the cursor, given as an option or in the key', async () => {
    const { clock, numbers, publish } = createRoom()
    await publish(1, 2, 3)
    const [, second] = (await numbers.read(a)).events
    const lastEventId = second?.id
    const byOption = read(numbers.subscribe(a, { lastEventId, replay: 50 }))
    const key = { ...a, lastEventId }
    const byKey = read(numbers.subscribe(key, { replay: 50 }))
    await publish(4)
    await clock.advance(pollMs.latest)
    expect(byOption.data()).toEqual([3, 4])
    expect(byKey.data()).toEqual([3, 4])
    await Promise.all([byOption.stop(), byKey.stop()])
  })
  test('resumes over more than a page of the log', async () => {
    const { clock, numbers, publish } = createRoom()
    await publish(...Array.from({ length: 600 }, (_, index) => index + 1))
    const [first] = (await numbers.read(a, { limit: 600 })).events
    const reader = read(numbers.subscribe(a, { lastEventId: first?.id }))
    await clock.advance(0)
    expect(reader.data()).toEqual(Array.from({ length: 599 }, (_, index) => index + 2))
    await reader.stop()
  })
  test.each(['0.other:1', 'not a cursor'])('ends with GAP when %j is not of this history', async (lastEventId) => {
    const { numbers, publish } = createRoom()
    await publish(1, 2)
    const reader = read(numbers.subscribe(a, { lastEventId }))
    await reader.ending
    expect(reader.ended()).toMatchObject({ code: 'PRECONDITION_FAILED', line: 'GAP' })
    expect(reader.data()).toEqual([])
  })
  test('ends with GAP when a new epoch begins', async () => {
    const room = createRoom()
    await room.publish(1)
    const reader = read(room.numbers.subscribe(a, { replay: 1 }))
    await room.clock.advance(0)
    await putSlot(room, { data: '7' })
    await room.clock.advance(pollMs.latest)
    expect(reader.data()).toEqual([1])
    expect(reader.ended()).toMatchObject({ line: 'GAP', message: expect.stringContaining('new-epoch') })
    expect(pollersOf(room.store)).toBe(0)
  })
  test('ends with GAP when events that it has not read are past their retention', async () => {
    const room = createRoom()
    await room.publish(1)
    const reader = read(room.numbers.subscribe(a, { replay: 1 }))
    await room.clock.advance(0)
    const [head] = await room.slotsOf()
    await putSlot(room, { ...head, offset: 2, time: room.clock.now() - 2 * day, data: '2' })
    await room.clock.advance(pollMs.latest)
    expect(reader.ended()).toMatchObject({ line: 'GAP', message: expect.stringContaining('expired') })
  })
  test('applies its pipe, and leaves out and logs an event whose pipe throws', async () => {
    const { clock, numbers, publish } = createRoom()
    using said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const odd = numbers.subscribe(a).filter((event) => {
      if (event === 3) throw new Error('not this one')
      return event % 2 === 1
    })
    const reader = read(odd.map((event) => `n${event}`))
    await clock.advance(0)
    await publish(1, 2, 3, 4, 5)
    await clock.advance(pollMs.latest)
    expect(reader.data()).toEqual(['n1', 'n5'])
    expect(String(said.mock.calls)).toContain('not this one')
    await reader.stop()
  })
  test('begins with the state of startWith, loaded after its position, and again after a gap', async () => {
    const room = createRoom()
    const { clock, numbers, publish } = room
    await publish(1, 2)
    let loads = 0
    const reader = read(
      numbers.subscribe(a, { replay: 2 }).startWith(async () => {
        loads += 1
        if (loads === 1) await publish(3) // consistent: in the state, and after it
        return (await numbers.read(a)).events.map(({ data }) => data)
      }),
    )
    await clock.advance(pollMs.latest)
    expect(reader.data()).toEqual([[1, 2, 3], 3])
    const lastEventId = reader.ids().at(-1)
    await putSlot(room, { data: '7' })
    await clock.advance(pollMs.latest)
    expect(reader.data().slice(2)).toEqual([[7]])
    await reader.stop()
    expect(lastEventId).toMatch(/:3$/)
  })
  test('resumes without a state', async () => {
    const { clock, numbers, publish } = createRoom()
    await publish(1, 2)
    const [first] = (await numbers.read(a)).events
    const reader = read(numbers.subscribe(a, { lastEventId: first?.id }).startWith(() => 'state'))
    await clock.advance(0)
    expect(reader.data()).toEqual([2])
    await reader.stop()
  })
  test('ends at once when its reader leaves, whatever it waits for, and cleans up', async () => {
    const { clock, numbers, store } = createRoom()
    const waiting = read(numbers.subscribe(a))
    const loading = read(numbers.subscribe(a).startWith(() => new Promise<never>(() => {})))
    await clock.advance(pollMs.soonest)
    expect(pollersOf(store)).toBe(1)
    await Promise.all([waiting.stop(), loading.stop()])
    await Promise.all([waiting.ending, loading.ending])
    expect([waiting.ended(), loading.ended()]).toEqual(['ended', 'ended'])
    await clock.advance(0)
    expect([pollersOf(store), clock.sleeping()]).toEqual([0, 0])
  })
  test('ends when its signal aborts', async () => {
    const { clock, numbers, store, publish } = createRoom()
    const call = new AbortController()
    const reader = read(numbers.subscribe(a, { signal: call.signal }))
    await clock.advance(0)
    await publish(1)
    await clock.advance(pollMs.latest)
    call.abort()
    await reader.ending
    const late = read(numbers.subscribe(a, { signal: call.signal }))
    await late.ending
    await clock.advance(0)
    expect([reader.data(), reader.ended(), late.ended()]).toEqual([[1], 'ended', 'ended'])
    expect([pollersOf(store), clock.sleeping()]).toEqual([0, 0])
  })
  test('starts nothing when it is closed before it is read', async () => {
    const { clock, numbers, store, reads } = createRoom()
    await numbers.subscribe(a)[Symbol.asyncIterator]().return?.()
    await clock.advance(pollMs.latest)
    expect([pollersOf(store), reads.count, clock.sleeping()]).toEqual([0, 0, 0])
  })
  test('uses the backend in which it was created', async () => {
    const { line, numbers } = createRoom()
    const other = createStill()
    const subscription = await line.withBackend(memoryBackend({ clock: other }), async () => {
      await numbers.publish(a, 9)
      return numbers.subscribe(a, { replay: 1 }).startWith(async () => (await numbers.read(a)).events.length)
    })
    const reader = read(subscription)
    await other.advance(0)
    expect(reader.data()).toEqual([1])
    await reader.stop()
  })
  test('names the remedy inside one of the line’s functions', () => {
    const { line, numbers } = createRoom()
    const { context, enter } = internalsOf(line)
    const inside = enter({ ...context(), server: {} as Server }, () => numbers.subscribe(a))
    expect(() => inside[Symbol.asyncIterator]()).toThrow('Return the subscription of numbers from the procedure')
    const outside = numbers.subscribe(a)
    const iterating = () => enter({ ...context(), server: {} as Server }, () => outside[Symbol.asyncIterator]())
    expect(iterating).toThrow('Return the subscription')
  })
  test('of an ephemeral channel says that there is no log', async () => {
    const line = createLine({ backend: memoryBackend() })
    const typing = line.ephemeral('typing', { key: z.object({}), event: z.number() })
    const iterator = typing.subscribe({})[Symbol.asyncIterator]()
    await expect(iterator.next()).rejects.toMatchObject({
      code: 'METHOD_NOT_SUPPORTED',
      message: expect.stringContaining('ephemeral channel typing'),
    })
  })
})

describe('the poller of a topic', () => {
  test('serves all its readers by the same requests', async () => {
    const { clock, numbers, publish, reads } = createRoom()
    const readers = Array.from({ length: 20 }, () => read(numbers.subscribe(a)))
    await clock.advance(0)
    const before = reads.count
    await publish(1)
    const published = reads.count
    await clock.advance(pollMs.soonest)
    expect(reads.count - published).toBe(1)
    expect(published - before).toBeLessThanOrEqual(1)
    for (const reader of readers) expect(reader.data()).toEqual([1])
    await Promise.all(readers.map((reader) => reader.stop()))
    await clock.advance(0)
    expect(clock.sleeping()).toBe(0)
  })
  test('reads every 2 s while no events arrive, and every 250 ms after one has', async () => {
    const { clock, numbers, publish, reads } = createRoom()
    const reader = read(numbers.subscribe(a))
    await clock.advance(10_000)
    const idle = reads.count
    await clock.advance(20_000)
    expect(reads.count - idle).toBe(10)
    await publish(1)
    await clock.advance(pollMs.latest)
    const busy = reads.count
    for (let event = 2; event <= 9; event++) {
      await publish(event)
      await clock.advance(pollMs.soonest)
    }
    expect(reads.count - busy).toBeGreaterThanOrEqual(7)
    expect(reader.data()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    await reader.stop()
  })
  test('keeps the head of a quiet log from ageing, for days', async () => {
    const { clock, numbers, publish, slotsOf } = createRoom()
    await publish(1)
    const reader = read(numbers.subscribe(a, { replay: 1 }))
    await clock.advance(0)
    for (let hours = 0; hours < 120; hours++) await clock.leap(3_600_000)
    const [head] = await slotsOf()
    expect((head?.expires ?? 0) * 1_000 - clock.now()).toBeGreaterThan(23 * 3_600_000)
    await publish(2)
    await clock.advance(pollMs.latest)
    expect(reader.data()).toEqual([1, 2])
    await reader.stop()
  })
  test('waits without holding the process open', async () => {
    const call = new AbortController()
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const waiting = systemClock.sleep(60_000, call.signal, { background: true })
    expect(timers()).toBe(before)
    call.abort()
    await waiting
  })
  test('continues after a failed read, and fails its readers after several', async () => {
    const { clock, numbers, publish, reads, store } = createRoom()
    const reader = read(numbers.subscribe(a))
    await clock.advance(0)
    reads.failing = true
    await clock.advance(1_000)
    reads.failing = false
    await publish(1)
    await clock.advance(10_000)
    expect(reader.data()).toEqual([1])
    reads.failing = true
    await clock.advance(120_000)
    await reader.ending
    expect(reader.ended()).toMatchObject({ line: 'FUNCTION_FAILED' })
    await clock.advance(0)
    expect([pollersOf(store), clock.sleeping()]).toEqual([0, 0])
  })
})
