import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { type Ended, type Exploration, explore, type Scheduler } from '../explore.suite.ts'
import { createRoom, type Room, stop, subscribe, withOperations } from './room.suite.ts'

interface Counting extends Room {
  readonly ann: TestClient
}

type Operations = Exploration<Counting>['operations']

/** The requests of a subscribe and a stop that the count does not depend on. */
const elsewhere: readonly (keyof Store)[] = [
  ...(['putSubscriber', 'stopSubscriber', 'deleteSubscriber', 'readConnectionAndShards'] as const),
  ...(['readSlotsBefore', 'readSlots', 'putSlot', 'readConnection'] as const),
]

const starts = (ref: number) => ({ [`subscribe${ref}`]: (room: Counting) => subscribe(room.ann, ref) })
const twice = (ref: number) => ({ [`twice${ref}`]: (room: Counting) => subscribe(room.ann, ref) })
const stops = (ref: number) => ({ [`stop${ref}`]: (room: Counting) => stop(room.ann, ref) })
const leaves = { disconnect: (room: Counting) => room.ann.disconnect() }
const another = {
  another: ({ ann }: Counting) =>
    ann.send({ id: 8, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }),
}

interface Schedule {
  readonly operations: Operations
  readonly kills?: readonly string[]
  readonly losses?: readonly string[]
  readonly maxSubscriptions?: number
  /** Runs before. */
  readonly before?: (room: Counting) => Promise<unknown>
  readonly mutant?: (store: Store) => Partial<Store>
}

const counting = ({ operations, kills = [], losses = [], ...of }: Schedule): Exploration<Counting> => ({
  async world(scheduler: Scheduler) {
    const { mutant = () => ({}), maxSubscriptions = 2_000 } = of
    const room = createRoom({
      ...{ scheduler, except: elsewhere, maxSubscriptions },
      store: (inner) => withOperations(inner, mutant),
    })
    const made = { ...room, ann: await room.connect({ connectionId: 'a' }) }
    await of.before?.(made)
    return made
  },
  operations,
  kills,
  losses,
  check: (room, ended) => isCounted(room, ended, of.maxSubscriptions ?? 2_000),
})

/** The count is the number of live rows, or more where a function died or an answer was lost. */
async function isCounted(room: Counting, { killed, lost }: Ended, most: number): Promise<void> {
  const rows = await room.store.readSubscriptions('a')
  const live = rows.filter(({ on, topic }) => on && topic !== undefined).length
  const nothing = { name: 'subscriptions', add: 0, max: 0, mark: 'read', expires: 9_000_000_000 } as const
  const { count } = await room.store.addToCount('a', nothing)
  expect(live).toBeLessThanOrEqual(most)
  if (killed === undefined && lost === undefined) expect(count).toBe(live)
  else expect(count).toBeGreaterThanOrEqual(live)
}

async function holds(schedule: Schedule): Promise<void> {
  const { schedules, failure } = await explore(counting(schedule))
  console.log(`${Object.keys(schedule.operations).join(' ∥ ')}: ${schedules} schedules`)
  expect(failure).toBeUndefined()
}

describe('[LAW-COUNT-FIRST]: the count of a connection is that of its live rows, or more [TL-SUB-17]', () => {
  test('subscribe ∥ stop, either killed', () =>
    holds({ operations: { ...starts(1), ...stops(1) }, kills: ['subscribe1', 'stop1'] }))
  test('subscribe ∥ stop, the answer of a request lost', () =>
    holds({ operations: { ...starts(1), ...stops(1) }, losses: ['subscribe1', 'stop1'] }))
  test('one frame twice ∥ stop', () => holds({ operations: { ...starts(1), ...twice(1), ...stops(1) } }))
  test('one frame twice, either killed', () =>
    holds({ operations: { ...starts(1), ...twice(1) }, kills: ['subscribe1', 'twice1'] }))
  test('ref 1 ∥ ref 2, either killed', () =>
    holds({ operations: { ...starts(1), ...starts(2) }, kills: ['subscribe1', 'subscribe2'] }))
  test('ref 1 ∥ stop 1 ∥ ref 2', () => holds({ operations: { ...starts(1), ...stops(1), ...starts(2) } }))
  test('two stops of a live row, either killed', () =>
    holds({
      before: (room) => subscribe(room.ann),
      operations: { ...stops(1), ...stops(2) },
      kills: ['stop1', 'stop2'],
    }))
  test('a repeat at the bound ∥ stop', () =>
    holds({
      ...{ maxSubscriptions: 1, before: (room) => subscribe(room.ann) },
      operations: { ...starts(2), ...stops(1) },
    }))
  test('a repeat at the bound ∥ stop ∥ another subscription', () =>
    holds({
      ...{ maxSubscriptions: 1, before: (room) => subscribe(room.ann) },
      operations: { ...starts(2), ...stops(1), ...another },
    }))
  test('two subscriptions for one place, either killed', () =>
    holds({ maxSubscriptions: 1, operations: { ...starts(1), ...another }, kills: ['subscribe1', 'another'] }))
  test('subscribe ∥ disconnect', () => holds({ operations: { ...starts(1), ...leaves } }))
})

describe('the explorer finds a broken [LAW-COUNT-FIRST]:', () => {
  const isFound = async (schedule: Schedule) => expect((await explore(counting(schedule))).failure).toBeDefined()
  test('a claim that does not say that its row was live', () =>
    isFound({
      operations: { ...starts(1), ...starts(2) },
      mutant: (store) => ({
        async claimSubscription(claim) {
          const claimed = await store.claimSubscription(claim)
          return claimed.status === 'claimed' ? { ...claimed, wasLive: false } : claimed
        },
      }),
    }))
  test('a place that is taken after its row is written', () =>
    isFound({
      ...{ operations: { ...starts(1), ...another }, kills: ['subscribe1'] },
      mutant: (store) => ({
        addToCount: async (_, { add }) => ({ status: 'added', count: add }),
        async claimSubscription(claim) {
          const claimed = await store.claimSubscription(claim)
          const late = { name: 'subscriptions', add: 1, max: 9, mark: 'late', expires: claim.expires } as const
          await store.addToCount(claim.connectionId, late)
          return claimed
        },
      }),
    }))
  test('two stops that both end one row', () =>
    isFound({
      operations: { ...starts(1), ...stops(1), ...stops(2) },
      mutant: (store) => ({
        async stopSubscription(row) {
          const stopped = await store.stopSubscription(row)
          return stopped.status === 'stopped' ? { ...stopped, wasLive: true } : stopped
        },
      }),
    }))
})
