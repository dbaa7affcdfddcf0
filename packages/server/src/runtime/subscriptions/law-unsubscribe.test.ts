import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { type Ended, type Exploration, explore, type Scheduler } from '../explore.suite.ts'
import { createRoom, type Room, stop, subscribe, topic, withOperations } from './room.suite.ts'

interface Leaving extends Room {
  readonly ann: TestClient
}

type Operations = Exploration<Leaving>['operations']

const starts = (ref: number) => ({ [`subscribe${ref}`]: (room: Leaving) => subscribe(room.ann, ref) })
const stops = (ref: number) => ({ [`stop${ref}`]: (room: Leaving) => stop(room.ann, ref) })
const leaves = { disconnect: (room: Leaving) => room.ann.disconnect() }

const leaving = (
  operations: Operations,
  kills: readonly string[] = [],
  mutant?: (store: Store) => Partial<Store>,
): Exploration<Leaving> => ({
  async world(scheduler: Scheduler) {
    const room = createRoom({
      scheduler,
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    return { ...room, ann: await room.connect({ connectionId: 'a' }) }
  },
  operations,
  kills,
  check: async (room, ended) => noRowTooMany(room, operations, ended),
})

async function noRowTooMany(room: Leaving, operations: Operations, { killed }: Ended): Promise<void> {
  const refOf = (word: string) =>
    Math.max(0, ...Object.keys(operations).flatMap((name) => (name.startsWith(word) ? [Number(name.slice(-1))] : [])))
  if (killed?.startsWith('stop')) await stop(room.ann, refOf('stop')) // unanswered, so the client says it again
  const rows = await Promise.all([0, 1].map((shard) => room.store.readSubscribers(topic, shard)))
  const live = rows.flatMap(({ subscribers }) => subscribers)
  expect(live.length).toBeLessThanOrEqual(1)
  const stopped = refOf('stop') >= refOf('subscribe')
  const gone = 'disconnect' in operations && killed !== 'disconnect'
  // killed after its row and before it reads the connection; the row ends with `expires` [PROOF-STOP-BEFORE-SUBSCRIBE]
  if (gone && killed?.startsWith('subscribe') && live[0]?.ref === Number(killed.slice(-1))) return
  if (stopped || gone) expect(live).toEqual([])
  else if (killed === undefined) expect(live.map(({ ref }) => ref)).toEqual([refOf('subscribe')])
}

async function holds(operations: Operations, kills: readonly string[] = []): Promise<void> {
  const { schedules, failure } = await explore(leaving(operations, kills))
  console.log(`${Object.keys(operations).join(' ∥ ')}, killed: ${kills.join(', ') || 'none'}: ${schedules} schedules`)
  expect(failure).toBeUndefined()
}

describe('[LAW-CONNECTION-ROW]: at rest no row of a stopped or disconnected subscription is live', () => {
  test('subscribe ∥ stop, either killed [TL-STOP-2]', () =>
    holds({ ...starts(1), ...stops(1) }, ['subscribe1', 'stop1']))
  test('subscribe ∥ disconnect, the subscribe killed', () => holds({ ...starts(1), ...leaves }, ['subscribe1']))
  test('subscribe ∥ stop ∥ disconnect, each killed', () =>
    holds({ ...starts(1), ...stops(1), ...leaves }, ['subscribe1', 'stop1', 'disconnect']))
  test('one frame twice ∥ stop [TL-STOP-1]', () =>
    holds({ ...starts(1), twice1: (room) => subscribe(room.ann, 1), ...stops(1) }))
  test('ref 1 ∥ ref 2: one row remains, of the higher ref [TL-SUB-13]', () => holds({ ...starts(1), ...starts(2) }))
  test('ref 1 ∥ stop 1 ∥ ref 2: the stop ends none with a higher ref [TL-STOP-2]', () =>
    holds({ ...starts(1), ...stops(1), ...starts(2) }))
  test('ref 1 ∥ ref 2 ∥ disconnect, either killed', () =>
    holds({ ...starts(1), ...starts(2), ...leaves }, ['subscribe1', 'subscribe2']))
})

describe('the explorer finds a broken [LAW-CONNECTION-ROW]:', () => {
  async function isFound(operations: Operations, mutant: (store: Store) => Partial<Store>): Promise<void> {
    const { failure } = await explore(leaving(operations, [], mutant))
    expect(failure?.thrown).toBeDefined()
  }
  test('no second look at the connection', () =>
    isFound({ ...starts(1), ...leaves }, (store) => ({
      readConnectionAndShards: async (id, topic) => {
        const { connection } = await store.readConnectionAndShards(id, topic)
        return connection ? { connection: { ...connection, state: 'OPEN' } } : {}
      },
    })))
  test('a tombstone only in the topic’s row', () =>
    isFound({ ...starts(1), ...stops(1) }, (store) => ({
      stopSubscription: async (stopped) => {
        const row = await store.readSubscription(stopped.connectionId, stopped.id)
        return { status: 'stopped', row: { ...row, ...stopped, on: false }, wasLive: false }
      },
    })))
  test('a retry that picks a new shard', () =>
    isFound({ ...starts(1), ...starts(2) }, (store) => ({
      claimSubscription: async (claim) => {
        const outcome = await store.claimSubscription(claim)
        return outcome.status === 'claimed' ? { ...outcome, shard: claim.ref % 2 } : outcome
      },
    })))
})
