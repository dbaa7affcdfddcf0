import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import {
  createRoom,
  publish,
  type Room,
  slotsOf,
  subscribe,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'
import { createModelClient } from './model-client.suite.ts'
import { createScheduleTable } from './schedule-table.suite.ts'

const table = createScheduleTable('Decision 33, leases of a shard')

interface Shard extends Room {
  readonly ann: TestClient
}

/** Ann is subscribed, and the log has a first event. */
const world =
  (mutant: Mutant = () => ({}), except: readonly (keyof Store)[] = []) =>
  async (scheduler: Scheduler): Promise<Shard> => {
    const room = createRoom({
      scheduler,
      except: ['readSlotsBefore', 'readSubscribers', ...except],
      store: (inner) => withOperations(inner, mutant),
    })
    const ann = await room.connect({ connectionId: 'a' })
    await subscribe(ann)
    await publish(room, 'first')
    return { ...room, ann }
  }

/** The job of the `deliver` function for events of a large audience. */
const jobOf = (offset: number, through: number) => ({
  topic,
  offset,
  through,
  shard: 0,
  turn: `${offset} to ${through}`,
})
const run = (room: Room, offset: number, through = offset) =>
  room.line.withBackend(room.backend, () =>
    room.handlers.deliver(jobOf(offset, through), { getRemainingTimeInMillis: () => 300_000 }),
  )

const operations = {
  first: (room: Room) => run(room, 2),
  async second(room: Room) {
    await publish(room, 'second')
    await run(room, 3)
  },
  async secondAndThird(room: Room) {
    await operations.second(room)
    await publish(room, 'third')
    await run(room, 4)
  },
  /** The platform invokes at least once. */
  firstTwice: (room: Room) => run(room, 2),
  /** The stream repeats a batch. */
  both: (room: Room) => run(room, 2, 3),
}

const delivering = (
  names: readonly (keyof typeof operations)[],
  more: Partial<Exploration<Shard>> = {},
  mutant?: Mutant,
): Exploration<Shard> => ({
  world: world(mutant),
  operations: Object.fromEntries(names.map((name) => [name, operations[name]])),
  idle: (room) => room.clock.advance(1_000),
  check: (room, ended) => everyEventArrives(room, ended, more.passes === undefined && !names.includes('firstTwice')),
  ...more,
})

/** No client syncs. The platform repeats the invocation that died or failed after a minute. */
async function everyEventArrives(room: Shard, ended: Ended, once: boolean): Promise<void> {
  const slots = (await slotsOf(room)).slice(1)
  const again = [...new Set([...ended.thrown.keys(), ...(ended.killed === undefined ? [] : [ended.killed])])]
  await room.clock.advance(60_000)
  const offsets: Readonly<Record<string, number>> = { first: 2, firstTwice: 2, second: 3 }
  for (const name of again)
    if (slots.some(({ offset }) => offset === offsets[name])) await run(room, offsets[name] ?? 0)
  for (const { payload } of [...room.invoked.splice(0), ...room.delayed.splice(0)]) {
    const retry = () => room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))
    await retry().catch(async () => {
      await room.clock.advance(60_000) // after a post that hung, its connection counts as slow for a while
      await retry()
    })
  }
  const client = createModelClient()
  client.take(room.ann.frames())
  expect(client.seen).toEqual(slots.map(({ offset }) => offset))
  const posted = (room.ann.frames() as readonly { readonly result: { readonly id?: string } }[]).flatMap(
    ({ result }) => result.id?.split(':')[1] ?? [],
  )
  if (once && again.length === 0) expect(posted.length, 'posted once each').toBe(new Set(posted).size)
}

describe('jobs for one shard', () => {
  test('deliver every event once', () => table.holds('job ∥ job', delivering(['first', 'second'])))
  test('deliver every event once when a third event follows the second', () =>
    table.holds('job ∥ job, job', delivering(['first', 'secondAndThird'])))
  test('deliver every event once next to a job of both events', () =>
    table.holds('job ∥ job ∥ job of both', {
      ...delivering(['first', 'second', 'both']),
      world: world(undefined, ['readSlots']),
    }))
  test('deliver every event when a job dies at any point and is repeated', () =>
    table.holds('job ∥ job ∥ kill', delivering(['first', 'second'], { kills: ['first', 'second'] })))
  test('deliver every event when a holder’s lease expires and another job takes it', () =>
    table.holds('job ∥ job ∥ lease', {
      ...delivering(['first', 'second'], {
        passes: { 'the lease ends': (room) => room.clock.advance(45_000) },
      }),
      world: world(undefined, ['readSlots', 'readShardLease']),
    }))
  test('deliver every event when the response of a write is lost', () =>
    table.holds('job ∥ job, an answer lost', delivering(['first', 'second'], { losses: ['first', 'second'] })))
  test('deliver every event when a repeated write meets an offset that another job recorded', () =>
    table.holds('job ∥ job, noted over a write whose answer was lost', delivering(['first', 'second'], {}, notedOnce)))
  test('deliver every event when a job runs twice at the same time and dies', () =>
    table.holds('job ∥ job ∥ the same job ∥ kill', {
      ...delivering(['first', 'firstTwice', 'second'], { kills: ['first'] }),
      world: world(undefined, ['readSlots', 'putSlot']),
    }))
})

/** The SDK repeats the write of the lease that begins with the second event, and meanwhile another job records an offset. */
const notedOnce: Mutant = (store) => {
  let noted = false
  return {
    async putShardLease(row, over) {
      const put = await store.putShardLease(row, over)
      if (noted || put.status !== 'put' || row.holder?.start !== 3) return put
      noted = true
      await store.putShardLease({ ...row, version: 'note', nextOffset: row.through + 1 }, row.version)
      return store.putShardLease(row, over)
    },
  }
}

describe('the explorer finds a broken shard lease:', () => {
  test('a lease that completes without reading the recorded offset', () =>
    table.catches(
      'what is asked for meanwhile is not seen',
      delivering(['first', 'second'], {}, (store) => ({
        async readShardLease(name, shard) {
          const row = await store.readShardLease(name, shard)
          if (row === undefined) return undefined
          const { nextOffset: _, ...rest } = row
          return rest
        },
      })),
    ))
  test('a job that relies on an offset which was recorded before its events', () =>
    table.catches(
      'an older note is taken for enough',
      delivering(['first', 'secondAndThird'], {}, (store) => {
        const written: string[] = []
        return {
          async putShardLease(row, over) {
            const isNote = row.nextOffset === 3 && written.includes('note')
            if (row.nextOffset === 3) written.push('note')
            return isNote ? { status: 'put' } : store.putShardLease(row, over)
          },
        }
      }),
    ))
  test('a lease that is written unconditionally', () =>
    table.catches(
      'leases are put unconditionally',
      delivering(['first', 'second'], {}, (store) => ({
        putShardLease: async (row) =>
          store.putShardLease(row, (await store.readShardLease(row.topic, row.shard))?.version),
      })),
    ))
  test('a dead holder that counts as finished', () =>
    table.catches(
      'a dead holder counts as done',
      delivering(['first', 'second'], { kills: ['first'] }, (store) => ({
        async readShardLease(name, shard) {
          const row = await store.readShardLease(name, shard)
          if (row?.holder === undefined) return row
          const { holder, ...rest } = row
          return rest
        },
      })),
    ))
})
