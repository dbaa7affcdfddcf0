// More than 200 lines: the scopes of one law, and what breaks it.

import { describe, expect, test } from 'vitest'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import {
  createMergingWorld,
  type MergingWorld,
  type Mutant,
  movingKey,
  placeOf,
  type Version,
} from './merging-world.suite.ts'

const table = createScheduleTable('[LAW-PARTITIONS], a growth')

/** Functions of two versions and a client that merges. The newer version has more partitions. */
interface Growing extends MergingWorld {
  readonly older: Version
  readonly newer: Version
  /** The older version again, after the newer one was taken back. */
  readonly rolledBack: Version
}

type Scope = Partial<Omit<Exploration<Growing>, 'world'>> &
  Pick<Exploration<Growing>, 'operations'> & {
    readonly from: number
    readonly to: number
    /** The client has subscribed before. */
    readonly isLive?: boolean
    readonly mutant?: Mutant
    readonly toPath?: (path: string) => string
    readonly loadsEarly?: boolean
  }

function growth({ from, to, isLive = false, mutant, toPath, loadsEarly, ...rest }: Scope): Exploration<Growing> {
  return {
    async world(scheduler: Scheduler) {
      const made = await createMergingWorld({ scheduler, partitions: from, mutant, toPath, loadsEarly })
      const older = made.current
      await older.post(movingKey(from, to), 1)
      const [newer, rolledBack] = [await made.deploy(to), await made.deploy(from)]
      if (isLive) await made.client.subscribe('live')
      return Object.assign(made, { older, newer, rolledBack })
    },
    check: nothingIsLost,
    timeless: ['grow', 'old'], // a deployment changes which version runs the frames of the client
    ...rest,
  }
}

type Name = 'older' | 'newer' | 'rolledBack'
const posts = (version: Name, by: string, n: number) => (world: Growing) => world[version].post(by, n)
const join = ({ client }: Growing) => client.subscribe('live')
const open = ({ client }: Growing) => client.subscribe('page')
const sync = ({ client }: Growing) => client.settle()
const deploy = (version: Name) => (world: Growing) => {
  world.current = world[version]
}
const redeploy = { 'the newer version is deployed': deploy('newer') }
const redeployAndRollBack = { ...redeploy, 'the older version is back': deploy('rolledBack') }

/**
 * Each event of each log from where the client began there is shown once and in the order of the log, without a gap; and
 * a log that the client does not follow has none.
 */
async function nothingIsLost(world: Growing, { thrown }: Pick<Ended, 'thrown'>): Promise<void> {
  await world.settle()
  const { client } = world
  expect([...thrown.values(), ...client.errors, ...client.gaps]).toEqual([])
  expect(client.isStarted()).toBe(true)
  const shown = client.shown.map(placeOf)
  for (const [index, slots] of (await world.logs()).entries()) {
    const offsets = slots.flatMap(({ data, offset }) => (data === undefined ? [] : [offset]))
    const own = shown.filter((place) => place.index === index).map(({ offset }) => offset)
    expect([index, own]).toEqual([index, offsets.filter((offset) => offset > beganAt(world, index))])
  }
}

/** After which event the client began in a partition: before all in one that was added, or where it never began. */
function beganAt({ client: { began } }: Growing, index: number): number {
  const isOf = (path: string) => path.includes(`#${index}/`) || (index === 0 && path.endsWith('#'))
  return [...began].find(([path]) => isOf(path))?.[1] ?? 0
}

/** Each event is in the state, or is shown after it. */
async function eachIsInTheStateOrAfterIt(world: Growing, { thrown }: Pick<Ended, 'thrown'>): Promise<void> {
  await world.settle()
  const { client } = world
  expect([...thrown.values(), ...client.errors, ...client.gaps]).toEqual([])
  const [state, ...events] = client.shown.map(({ data }) => data)
  const all = (await world.logs()).flat().flatMap(({ data }) => (data === undefined ? [] : [data]))
  const known = [
    ...((state as { readonly all: readonly string[] }).all ?? []),
    ...events.map((each) => JSON.stringify(each)),
  ]
  expect(all.filter((data) => !known.includes(data))).toEqual([])
}

/** The events of a partition key after the growth are shown in the order in which they were published. */
async function keepsTheOrderOfAKey(world: Growing, ended: Pick<Ended, 'thrown'>): Promise<void> {
  await nothingIsLost(world, ended)
  const numbers = world.client.shown.flatMap(({ data }) => ('n' in data && data.n > 1 ? [data.n] : []))
  expect(numbers).toEqual([...numbers].sort())
}

/** Two functions that publish under one key have put one event, and both return its id. */
async function isPublishedOnce(world: Growing, { thrown, returned }: Ended): Promise<void> {
  expect([...thrown.values()]).toEqual([])
  const all = (await world.logs()).flat().filter(({ data }) => data?.includes('"n":2'))
  expect(all).toHaveLength(1)
  expect(new Set(returned.values()).size).toBeLessThanOrEqual(1)
}

const two = movingKey(1, 2)
const three = movingKey(2, 3)
const publishesAndIsTakenBack = async (world: Growing) => {
  await world.newer.post(three, 2)
  await world.rolledBack.post(three, 3)
}

const joining = { from: 2, to: 3, operations: { join, grow: posts('newer', three, 2) }, kills: ['grow'] } as const
const live = {
  ...{ from: 2, to: 3, isLive: true, passes: redeployAndRollBack, kills: ['grow'] },
  operations: { sync, grow: posts('newer', three, 2) },
} as const
const ordered = {
  ...{ from: 2, to: 3, check: keepsTheOrderOfAKey, passes: redeploy },
  operations: { join, grow: publishesAndIsTakenBack },
} as const
const stated = {
  ...{ from: 2, to: 3, check: eachIsInTheStateOrAfterIt },
  operations: { open, grow: posts('newer', three, 2), old: posts('older', three, 3) },
} as const
const repeated = {
  ...{ from: 2, to: 3, check: isPublishedOnce, kills: ['first'] },
  operations: {
    first: ({ older }: Growing) => older.postOnce(three, 2),
    again: ({ newer }: Growing) => newer.postOnce(three, 2),
  },
} as const

describe('[LAW-PARTITIONS]: while the number of partitions grows, nothing is lost, doubled or reordered', () => {
  test('for a client that joins, with the newer publisher killed [TL-PART-6]', () =>
    table.holds('join ∥ publish of 3 ∥ redeploy ∥ kill', growth({ ...joining, passes: redeploy })))
  test('for a client that joins while both versions publish [TL-PART-6]', () =>
    table.holds(
      'join ∥ publish of 3 ∥ publish of 2',
      growth({ ...joining, kills: [], operations: { ...joining.operations, old: posts('older', three, 3) } }),
    ))
  test('for a client that is live and syncs, also when the newer version is taken back [TL-PART-6]', () =>
    table.holds('sync ∥ publish of 3 ∥ redeploy, roll-back ∥ kill', growth(live)))
  test('for a client of a topic that had one log [TL-PART-7]', () =>
    table.holds(
      'join ∥ publish of 2 ∥ redeploy, roll-back',
      growth({
        ...{ from: 1, to: 2, passes: redeployAndRollBack },
        operations: { join, grow: posts('newer', two, 2) },
      }),
    ))
  test('for the events of one partition key after it [LAW-PARTITIONS]', () =>
    table.holds('join ∥ publish of 3, then of a roll-back ∥ redeploy', growth(ordered)))
  test('for a state and the events after it [TL-PART-5]', () =>
    table.holds('join with a state ∥ publish of 3 ∥ publish of 2', growth(stated)))
  test('for a publish that functions of both versions repeat, with the first killed [TL-PART-2]', () =>
    table.holds('keyed publish of 2 ∥ its repeat of 3 ∥ kill', growth(repeated)))
})

const isOfNumber = (topic: string) => topic.endsWith('/partitions')

/** The number is written after the event that it makes possible. */
const writesTheNumberLater: Mutant = (store) => {
  const later: Parameters<Store['putSlot']>[] = []
  return {
    putSlot: async (topic, slot) => {
      if (isOfNumber(topic)) {
        later.push([topic, slot])
        return { status: 'put' }
      }
      const outcome = await store.putSlot(topic, slot)
      for (const write of later.splice(0)) await store.putSlot(...write)
      return outcome
    },
  }
}

/** A version has the number that it declares. */
const readsNoNumber: Mutant = (store) => ({
  readSlotsBefore: async (topic, ...rest) =>
    isOfNumber(topic) ? { slots: [], more: false } : store.readSlotsBefore(topic, ...rest),
})

/** A repeated publish chooses its partition again. */
const recordsNoChoice: Mutant = (store) => ({
  recordBase: async (write) =>
    write.publishId.endsWith('/') ? { status: 'recorded', base: write.base } : store.recordBase(write),
})

describe('the explorer finds a broken [LAW-PARTITIONS]:', () => {
  test('a number that is written after the first event', () =>
    table.catches(
      'the number is written after the event',
      growth({ ...joining, mutant: writesTheNumberLater }),
      /kill grow/,
    ))
  test('a version that was taken back and syncs by the number that it declares', () =>
    table.catches('the number is not read by a sync', growth({ ...live, mutant: readsNoNumber })))
  test('a version that was taken back and publishes to as many partitions as it declares', () =>
    table.catches('the number is not read by a publisher', growth({ ...ordered, mutant: readsNoNumber })))
  test('an added partition that begins with the next event', () =>
    table.catches(
      'no partition begins with its first event',
      growth({ ...live, toPath: (path) => path.replace('@start', '@new') }),
    ))
  test('a repeated publish that chooses its partition again', () =>
    table.catches('the choice is not recorded', growth({ ...repeated, mutant: recordsNoChoice })))
  test('a state that is loaded before each partition has a position', () =>
    table.catches('the state is loaded with the first partition', growth({ ...stated, loadsEarly: true })))
})
