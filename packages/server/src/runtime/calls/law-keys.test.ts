import { describe, expect, test, vi } from 'vitest'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration } from '../explore.suite.ts'
import { createRoom, publish, type Room, slotsOf, withOperations } from '../subscriptions/room.suite.ts'
import {
  type Answer,
  attempt,
  eventsOf,
  forgetful,
  isSettled,
  type KeyedWorld,
  keyedWorld,
  type Mutant,
  oneAnswer,
} from './keyed-world.suite.ts'

const table = createScheduleTable('[LAW-PUBLISH-ONCE] [LAW-ONE-EFFECT], keyed mutations')
const claim = vi.hoisted(() => ({ comesFirst: false }))
vi.mock(import('../procedures/around-resolver.ts'), async (original) => {
  const { callAround } = await original()
  return {
    callAround: async (procedure, options, around) => {
      if (!claim.comesFirst) return callAround(procedure, options, around)
      await around(() => undefined)
      return callAround(procedure, options, (resolve) => resolve())
    },
  }
})

/** The first attempt may die anywhere while others publish; when its lease is over, the client sends the same key again. */
const resending = (mutant?: Mutant): Exploration<KeyedWorld> => ({
  world: keyedWorld(mutant),
  operations: { first: attempt('repeat'), other: (room) => publish(room, 'other') },
  kills: ['first'],
  async check(room, ended) {
    const answer = await oneAnswer(room, 'repeat', ended)
    const once = (await slotsOf(room)).filter(({ data }) => data?.includes('once'))
    expect(once).toHaveLength(1)
    expect(answer).toMatchObject({
      result: { data: { id: expect.stringMatching(new RegExp(`:${once[0]?.offset}$`)) } },
    })
  },
})

describe('[LAW-PUBLISH-ONCE] [LAW-ONE-EFFECT]: a repeatable mutation that is sent again under its key', () => {
  test('has one effect and one result, wherever its first attempt died [TL-KEY-1] [TL-KEY-9]', () =>
    table.holds('keyed publish ∥ publish ∥ kill, then resent', resending()))
  test('appends twice when each attempt starts at the head instead of its base: the explorer finds it', () =>
    table.catches(
      'a retry that does not read from its base',
      resending((store) => ({
        recordBase: async (record) => {
          await store.recordBase(record)
          return { status: 'recorded', base: record.base }
        },
      })),
    ))
})

/** One frame that comes twice or three times at once. */
const doubled = (path: string, names: readonly string[], faults: Partial<Exploration<KeyedWorld>>, mutant?: Mutant) =>
  ({
    world: keyedWorld(mutant),
    operations: Object.fromEntries(names.map((name) => [name, attempt(path)])),
    ...faults,
    async check(room, ended) {
      const answers = [...ended.returned.values()] as readonly Answer[]
      for (const answer of answers) if (!isSettled(answer)) expect(answer).toHaveProperty('line')
      if (ended.killed === undefined && ended.lost === undefined) {
        expect(answers.some(isSettled)).toBe(true)
        expect(room.effects).toEqual(['once'])
      }
      const answer = await oneAnswer(room, path, ended)
      const events = await eventsOf(room)
      if (path === 'pay') expect(room.effects.length).toBeLessThanOrEqual(1)
      if (answer.result !== undefined) expect(events).toHaveLength(1)
    },
  }) satisfies Exploration<KeyedWorld>

describe.each(['tally', 'pay'])('one keyed frame, doubled (%s)', (path) => {
  const kind = path === 'pay' ? 'not repeatable' : 'repeatable'
  test('has one effect and one result, with either killed [TL-KEY-1] [TL-KEY-5]', () =>
    table.holds(`${kind}, frame ∥ frame ∥ kill`, doubled(path, ['a', 'b'], { kills: ['a', 'b'] })))
  test('has one effect and one result, three times at once [TL-KEY-1]', () =>
    table.holds(`${kind}, frame ∥ frame ∥ frame`, doubled(path, ['a', 'b', 'c'], {})))
  test('accepts a repeated ambiguous claim, base or completion as a success [TL-KEY-1]', () =>
    table.holds(
      `${kind}, frame ∥ frame, each request repeated after a lost answer`,
      doubled(path, ['a', 'b'], {}, forgetful),
    ))
  test('settles when a claim or a completion got no response [TL-KEY-1]', () =>
    table.holds(`${kind}, frame ∥ frame ∥ a lost answer`, doubled(path, ['a', 'b'], { losses: ['a', 'b'] })))
  test('has two effects when an existing claim is ignored: the explorer finds it', () =>
    table.catches(
      `${kind}, a claim while another claim exists`,
      doubled(path, ['a', 'b'], {}, (store) => ({
        claimKey: async (claim) => ({ ...(await store.claimKey(claim)), status: 'claimed' }),
      })),
    ))
})

describe('an invalid input under a key', () => {
  const send = async (room: Room, path: string, input: object) =>
    (await room.connect({ connectionId: 'a' })).send({
      id: 'm',
      method: 'mutation',
      params: { path, input, key: 'own.k' },
    })
  function counting() {
    const claims: unknown[] = []
    const store = (inner: Store) =>
      withOperations(inner, ({ claimKey }) => ({
        claimKey: async (claim) => {
          claims.push(claim)
          return claimKey(claim)
        },
      }))
    return { ...createRoom({ store, createContext: () => ({ effects: [] }) }), claims }
  }
  const claimsNothing = async (path: string) => {
    const room = counting()
    const fits = { room: 'x', text: 'once' }
    expect(await send(room, path, { text: 5 })).toMatchObject({ error: { data: { code: 'BAD_REQUEST' } } })
    expect(room.claims).toEqual([])
    expect(await send(room, path, fits)).toMatchObject({ result: { type: 'data' } })
  }
  test.each(['pay', 'strict'])('of %s claims nothing, so the key may be used with one that does', claimsNothing)
  test('claims the key when validation comes later: the mutant “claim before the chain” is caught', async () => {
    claim.comesFirst = true
    try {
      await expect(claimsNothing('pay')).rejects.toThrow('to deeply equal []')
    } finally {
      claim.comesFirst = false
    }
  })
})
