import { describe, expect, test } from 'vitest'
import type { Store } from '../../ports/store.ts'
import {
  attempt,
  attemptLater,
  eventsOf,
  forgetful,
  type KeyedWorld,
  keyedWorld,
  leaseRunsOut,
  type Mutant,
  oneAnswer,
} from '../calls/keyed-world.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration } from '../explore.suite.ts'
import { publish } from '../subscriptions/room.suite.ts'

const table = createScheduleTable('[LAW-PUBLISH-ONCE] [LAW-ONE-EFFECT], a zombie ∥ its resend')

type Keyed = Exploration<KeyedWorld>
type Faults = Pick<Keyed, 'kills' | 'losses' | 'passes'>

const lease: Faults = { passes: { 'the lease runs out': leaseRunsOut } }
const deadlineThenLease: Faults = {
  passes: {
    'the deadline passes': (room) => room.clock.advance(28_000), // what is in the air may land all the same, at any time
    'the lease runs out': leaseRunsOut,
  },
}

/** The first attempt outlives its lease and goes on, or dies anywhere; its resend comes when the lease is over. */
const zombie = (path: string, faults: Faults, mutant?: Mutant): Keyed => ({
  world: keyedWorld(mutant),
  operations: { first: attempt(path), retry: attemptLater(path) },
  ...faults,
  check: async (room, ended) => checkOnce(room, path, await oneAnswer(room, path, ended)),
})

const besideOthers = (keyed: Keyed): Keyed => ({
  ...keyed,
  operations: { ...keyed.operations, other: (room) => publish(room, 'other') },
  timeless: ['other'],
})

async function checkOnce(room: KeyedWorld, path: string, answer: { readonly result?: unknown }): Promise<void> {
  const events = await eventsOf(room)
  expect(new Set(events.map((event) => event.split('@')[0])).size).toBe(events.length)
  if (path === 'pay') expect(room.effects.length).toBeLessThanOrEqual(1)
  else expect(answer).toHaveProperty('result') // a repeatable one completes
  if (answer.result !== undefined) expect(events).toHaveLength(path === 'twice' || path === 'both' ? 2 : 1)
}

describe('a repeatable mutation that publishes ∥ its resend after the lease', () => {
  const both = ['first', 'retry']
  test('has one event and one result, with either killed at any point and the first perhaps a zombie [TL-KEY-1] [TL-KEY-6] [TL-KEY-9]', () =>
    table.holds('repeatable ∥ resend ∥ lease ∥ kill', zombie('tally', { ...lease, kills: both })))
  test('has one event and one result next to another publisher [TL-KEY-9]', () =>
    table.holds(
      'repeatable ∥ resend ∥ publish ∥ lease ∥ kill of the first',
      besideOthers(zombie('tally', { ...lease, kills: ['first'] })),
    ))
  test('has one event and one result when a request is under way at its deadline [TL-KEY-6]', () =>
    table.holds('repeatable ∥ resend ∥ publish ∥ deadline ∥ lease', besideOthers(zombie('tally', deadlineThenLease))))
  test('has one event and one result when any one response of the store is lost [TL-KEY-1]', () =>
    table.holds('repeatable ∥ resend ∥ lease ∥ a lost answer', zombie('tally', { ...lease, losses: both })))
  test('accepts a repeated ambiguous request as a success, or as a lost claim [TL-KEY-1]', () =>
    table.holds(
      'repeatable ∥ resend ∥ lease, each request repeated after a lost answer',
      zombie('tally', lease, forgetful),
    ))
  test('publishes twice to one topic, each once [TL-KEY-9]', () =>
    table.holds('two publishes to one topic ∥ resend ∥ lease', zombie('twice', lease)))
  test('publishes twice to one topic, each once, when it dies [TL-KEY-9]', () =>
    table.holds(
      'two publishes to one topic ∥ publish ∥ kill, then resent',
      withoutZombie(besideOthers(zombie('twice', { kills: ['first'] }))),
    ))
  test('publishes to two topics, once each [TL-KEY-9]', () =>
    table.holds('publishes to two topics ∥ resend ∥ lease', zombie('both', lease)))
  test('publishes to two topics, once each, when it dies [TL-KEY-9]', () =>
    table.holds(
      'publishes to two topics ∥ publish ∥ kill, then resent',
      withoutZombie(besideOthers(zombie('both', { kills: ['first'] }))),
    ))
})

/** Resent only by the check. */
const withoutZombie = ({ operations: { retry: _, ...operations }, ...keyed }: Keyed): Keyed => ({
  ...keyed,
  operations,
  idle: (room) => room.clock.advance(1_000), // a writer that lost two races waits
})

describe('a mutation that is not repeatable ∥ its resend after the lease', () => {
  test('has at most one effect, and an outcome that is settled as unknown stays [TL-KEY-6]', () =>
    table.holds(
      'not repeatable ∥ resend ∥ publish ∥ lease ∥ kill',
      besideOthers(zombie('pay', { ...lease, kills: ['first', 'retry'] })),
    ))
  test('has at most one effect when a request is under way at its deadline [TL-KEY-6]', () =>
    table.holds('not repeatable ∥ resend ∥ publish ∥ deadline ∥ lease', besideOthers(zombie('pay', deadlineThenLease))))
  test('has at most one effect when any one response of the store is lost [TL-KEY-6]', () =>
    table.holds(
      'not repeatable ∥ resend ∥ lease ∥ a lost answer',
      zombie('pay', { ...lease, losses: ['first', 'retry'] }),
    ))
})

describe('an ambiguous request of a mutation that is not repeatable', () => {
  test('is repeated and counts as the stored result, next to a resend after the lease [TL-KEY-6]', () =>
    table.holds(
      'not repeatable ∥ resend ∥ lease, each request repeated after a lost answer',
      zombie('pay', { ...lease, kills: ['first'] }, forgetful),
    ))
})

/** While the function may live, a resend finds it running: nothing is run again, and nothing is given up. */
const alive = (path: string, mutant?: Mutant): Keyed => ({
  ...zombie(
    path,
    {
      passes: {
        '20 s pass': (room) => {
          room.clock.time += 20_000
          room.comes()
        },
      },
    },
    mutant,
  ),
  async check(room, ended) {
    const answer = await oneAnswer(room, path, ended)
    expect(answer).toHaveProperty('result')
    expect(room.effects).toEqual(['once'])
  },
})

describe('a slow mutation ∥ its resend within the function’s life', () => {
  test('runs once, repeatable or not [TL-KEY-5]', async () => {
    await table.holds('repeatable ∥ resend within the lease', alive('tally'))
    await table.holds('not repeatable ∥ resend within the lease', alive('pay'))
  })
  const shortLease: Mutant = (store) => ({
    claimKey: (claim) => store.claimKey({ ...claim, lease: claim.lease - 50_000 }),
  })
  test('runs twice, or is given up, under a lease shorter than the function’s life: the explorer finds it', async () => {
    await table.catches('lease shorter than the function’s life, repeatable', alive('tally', shortLease))
    await table.catches('lease shorter than the function’s life, not repeatable', alive('pay', shortLease))
  })
})

describe('the explorer finds a broken [LAW-PUBLISH-ONCE] or [LAW-ONE-EFFECT]:', () => {
  const kills = ['first']
  const catches = (mutant: string, path: string, broken: Mutant, faults: Faults = { ...lease, kills }) =>
    table.catches(mutant, besideOthers(zombie(path, faults, broken)))

  test('a retry that does not read from its base', () =>
    catches('a retry that does not walk from its base', 'tally', (store) => ({
      recordBase: async (record) => {
        const recorded = await store.recordBase(record)
        return recorded.status === 'lost' ? recorded : { status: 'recorded', base: record.base }
      },
    })))
  test('a base that is not recorded', () =>
    catches('no base recorded', 'tally', () => ({
      recordBase: async ({ base }) => ({ status: 'recorded', base }),
    })))
  test('a base that the later attempt overwrites', () =>
    catches('base overwritten by the later attempt', 'tally', (store) => {
      const bases = new Map<string, number>()
      return {
        recordBase: async (record) => {
          const recorded = await store.recordBase(record)
          if (recorded.status === 'lost') return recorded
          bases.set(record.publishId, record.base)
          return { status: 'recorded', base: bases.get(record.publishId) ?? 0 }
        },
      }
    }))
  /** Settles unconditionally. */
  const unfenced: Mutant = (store) => {
    const forced = new Map<string, Awaited<ReturnType<Store['claimKey']>>['row']>()
    return {
      settleKey: async (settle) => {
        const { row } = await store.settleKey(settle)
        const { key, ...outcome } = settle
        forced.set(key, { ...row, ...outcome })
        return { status: 'settled', row: { ...row, ...outcome } }
      },
      claimKey: async (claim) => {
        const found = await store.claimKey(claim)
        const row = forced.get(claim.key)
        return row === undefined ? found : { status: 'conflict', row }
      },
    }
  }
  test('a completion without the owner’s condition, repeatable', () =>
    catches('completion without the owner’s condition, repeatable', 'tally', unfenced, lease))
  test('a completion without the owner’s condition, not repeatable', () =>
    catches('completion without the owner’s condition, not repeatable', 'pay', unfenced, lease))
  test('a response before the completion', () =>
    catches(
      'answer before completion',
      'tally',
      (store) => ({
        settleKey: async (settle) => {
          void store.settleKey(settle)
          const row = { bases: {}, lease: 0, fingerprint: '', expires: 0, ...settle }
          return { status: 'settled', row }
        },
      }),
      lease,
    ))
})
