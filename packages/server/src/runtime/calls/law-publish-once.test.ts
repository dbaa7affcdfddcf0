import { describe, expect, test } from 'vitest'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { createRoom, type Room, slotsOf, withOperations } from '../subscriptions/room.suite.ts'
import type { Mutant } from './keyed-world.suite.ts'

const table = createScheduleTable('[LAW-PUBLISH-ONCE], a publish with a key of its own')

const once = (room: Room) =>
  room.asScript(() => room.events.publish({ room: 'x' }, { text: 'once' }, { idempotencyKey: 'k' }))
const other = (room: Room) => room.asScript(() => room.events.publish({ room: 'x' }, { text: 'other' }))

/** Two processes publish one thing while another publishes something else; afterwards it is published once more. */
const publishing = (faults: Pick<Exploration<Room>, 'kills' | 'losses'>, mutant?: Mutant): Exploration<Room> => ({
  world: async (scheduler: Scheduler) =>
    createRoom({ scheduler, ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }) }),
  operations: { a: once, b: once, other },
  ...faults,
  async check(room, { returned }) {
    const last = await once(room)
    const slots = await slotsOf(room)
    expect(slots.map(({ offset }) => offset)).toEqual(slots.map((_, index) => index + 1))
    expect(slots.filter(({ data }) => data?.includes('once'))).toHaveLength(1)
    for (const name of ['a', 'b']) if (returned.has(name)) expect(returned.get(name)).toEqual(last)
  },
})

describe('a publish with its own idempotencyKey, by two processes at once ∥ another publisher', () => {
  test('appends once, with any process killed at any point [TL-KEY-9]', () =>
    table.holds('publish k ∥ publish k ∥ publish ∥ kill', publishing({ kills: ['a', 'b', 'other'] })))
  test('appends once when any one response of the store is lost [TL-KEY-9]', () =>
    table.holds('publish k ∥ publish k ∥ publish ∥ a lost answer', publishing({ losses: ['a', 'b'] })))
  test('appends twice when no base is recorded: the explorer finds it', () =>
    table.catches(
      'no base recorded',
      publishing({}, () => ({ recordBase: async ({ base }) => ({ status: 'recorded', base }) })),
    ))
  test('appends twice when the later process overwrites the base: the explorer finds it', () =>
    table.catches(
      'base overwritten by the later attempt',
      publishing({}, (store) => ({
        recordBase: async (record) => {
          await store.recordBase(record)
          return { status: 'recorded', base: record.base }
        },
      })),
    ))
})
