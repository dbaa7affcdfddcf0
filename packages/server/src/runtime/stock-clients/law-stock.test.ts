import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Ended, Exploration, Scheduler } from '../explore.suite.ts'
import { createRoom, publish, type Room, say, slotsOf, topic, withOperations } from '../subscriptions/room.suite.ts'
import { createStockClient, type LostPost, type StockClient } from './stock-client.suite.ts'

const table = createScheduleTable('[LAW-STOCK-ORDER], stock clients')

interface Stage extends Room {
  readonly ann: StockClient
  readonly bob: TestClient
  readonly cy: TestClient
}

interface StageOptions {
  readonly lostPost?: LostPost
  readonly path?: string
  readonly subscribed?: boolean
  readonly mutant?: ((store: Store) => Partial<Store>) | undefined
  readonly onUnknown?: 'repost' | 'skip'
}

/** Ann is a stock client; bob and cy publish. */
function stage({ lostPost = 'arrived', path = 'live', subscribed = false, mutant, onUnknown }: StageOptions = {}) {
  return async (scheduler: Scheduler): Promise<Stage> => {
    const room = createRoom({
      scheduler,
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    await publish(room, 'FIRST')
    const ann = await createStockClient(room, scheduler, { lostPost, path, onUnknown })
    const [bob, cy] = [await room.connect({ connectionId: 'bob=' }), await room.connect({ connectionId: 'cy=' })]
    if (subscribed) {
      await ann.subscribe()
      await say(bob, 'FIRST OF ALL')
    }
    return { ...room, ann, bob, cy }
  }
}

/** Runs what was invoked asynchronously; what fails is repeated a minute later, as the platform does. */
async function runJobs(room: Stage): Promise<void> {
  for (let round = 0; round < 4 && room.invoked.length > 0; round++) {
    await Promise.all(room.invoked.splice(0).map(({ payload }) => runJob(room, payload)))
    room.clock.time += 60_000
  }
}

async function runJob(room: Stage, payload: unknown): Promise<void> {
  let isOver = false
  const run = room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))
  const ended = run
    .catch(() => room.invoked.push({ name: 'deliver', payload }))
    .finally(() => {
      isOver = true
    })
  await settle()
  while (!isOver) await room.clock.advance(7_000)
  await ended
}

/**
 * Faults have stopped: the stream brings what it has, asynchronous work is repeated, a closed socket is opened anew.
 */
async function rest(room: Stage): Promise<void> {
  room.clock.time += 10_000
  await room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
  await runJobs(room)
  await room.ann.comeBack()
}

/**
 * From the first event on: each event once and in order, up to the last one. Only a subscribe that came to nothing
 * promised nothing: it was answered with an error, or died before its row.
 */
async function everyEventOnce(room: Stage, { killed, lost }: Ended): Promise<void> {
  await rest(room)
  for (const text of ['LAST BUT ONE', 'LAST']) {
    // The first may find an expired lock, and a client without an event has no cursor to resume with.
    await publish(room, text)
    await rest(room)
  }
  const { seen, hasStarted } = room.ann
  const head = (await slotsOf(room)).length
  if (room.ann.hasEnded()) return expect(lost).toMatch(/^subscribe/) // it got an error
  const mayFail = killed === 'subscribe' || lost?.startsWith('subscribe') === true
  if (mayFail && !hasStarted()) return expect(seen).toEqual([])
  const first = seen[0] ?? head
  if (room.ann.cuts() === 0) expect(first).toBeLessThan(head)
  expect(seen).toEqual(Array.from({ length: head - first + 1 }, (_, index) => first + index))
}

const law = (options: StageOptions, rest: Partial<Exploration<Stage>>): Exploration<Stage> => ({
  world: stage(options),
  operations: {},
  check: everyEventOnce,
  ...rest,
})

const bob = ({ bob }: Stage) => say(bob, 'TWO')
const cy = ({ cy }: Stage) => say(cy, 'THREE')
const subscribe = ({ ann }: Stage) => ann.subscribe()
const two = { bob, cy }
const patience = 300_000 // for a machine that many share
const lostPosts: readonly LostPost[] = ['arrived', 'vanished']
/**
 * The schedule also advances the time, past every lock that was acquired before. A waiting operation does not notice,
 * like a function that was frozen.
 */
const frozen = { 'a minute passes': ({ clock }: Stage) => void Object.assign(clock, { time: clock.time + 60_000 }) }

describe('[LAW-STOCK-ORDER]: a stock client, which neither orders nor drops anything', () => {
  const scopes: Readonly<Record<string, Exploration<Stage>>> = {
    'deliver ∥ deliver': law({ subscribed: true }, { operations: two }),
    'deliver ∥ deliver ∥ kill': law({ subscribed: true }, { operations: two, kills: ['bob', 'cy'] }),
    'subscribe ∥ deliver ∥ kill': law({}, { operations: { subscribe, bob }, kills: ['subscribe', 'bob'] }),
    'subscribe ∥ deliver ∥ deliver': law({}, { operations: { subscribe, ...two } }),
  }
  test.each(Object.entries(scopes))(
    'sees each event once and in order, whichever function delivers or dies: %s [TL-CHAIN-1] [TL-CHAIN-2]',
    table.holds,
    patience,
  )
  test.each(lostPosts)(
    'does so when the answer of a post, a cut or a write is lost, and the post had %s [TL-CHAIN-3]',
    async (lostPost) => {
      const losses = ['subscribe', 'bob', 'cy']
      const options = { lostPost, subscribed: true }
      await table.holds(`deliver ∥ deliver, an answer lost (${lostPost})`, law(options, { operations: two, losses }))
      await table.holds(
        `subscribe ∥ deliver, an answer lost (${lostPost})`,
        law({ lostPost }, { operations: { subscribe, bob }, losses }),
      )
    },
    patience,
  )
  test(
    'does so when a holder is frozen until its lock has run out [TL-CHAIN-3]',
    () => table.holds('deliver ∥ deliver ∥ a minute', law({ subscribed: true }, { operations: two, passes: frozen })),
    patience,
  )
  test.each(lostPosts)(
    'does so through a filter, whose post had %s [TL-CHAIN-4]',
    (lostPost) =>
      table.holds(
        `filtered: deliver ∥ deliver, killed or an answer lost (${lostPost})`,
        law({ lostPost, path: 'loud', subscribed: true }, { operations: two, kills: ['bob'], losses: ['cy'] }),
      ),
    patience,
  )
})

describe('[LAW-STOCK-ORDER] broken: the explorer finds', () => {
  const options = { subscribed: true }
  test('deliveries without a lock', () =>
    table.catches(
      'no lock',
      law(
        {
          ...options,
          mutant: (store) => ({
            acquireDeliveryLock: async (row, lock) => {
              const found = await store.acquireDeliveryLock(row, lock)
              if (found.status !== 'held') return found
              await store.releaseDeliveryLock(row, { by: found.row.lock?.by ?? '', at: found.row.at })
              return store.acquireDeliveryLock(row, lock)
            },
          }),
        },
        { operations: two },
      ),
    ))
  test('a post of unknown fate that is repeated', () =>
    table.catches(
      'retry after an unknown post',
      law({ ...options, onUnknown: 'repost' }, { operations: { bob }, losses: ['bob'] }),
      /lose bob\.\d+ post/,
    ))
  test('a post of unknown fate that is skipped', () =>
    table.catches(
      'skip after an unknown post',
      law({ ...options, onUnknown: 'skip', lostPost: 'vanished' }, { operations: { bob }, losses: ['bob'] }),
      /lose bob\.\d+ post/,
    ))
  test('a dead holder’s lock that is acquired instead of deleting the connection', () =>
    table.catches(
      'lock stealing',
      law(
        {
          ...options,
          mutant: (store) => ({
            acquireDeliveryLock: async (row, lock) => {
              const found = await store.acquireDeliveryLock(row, lock)
              if (found.status !== 'held' || (found.row.lock?.until ?? 0) > lock.until - 30_000) return found
              await store.releaseDeliveryLock(row, { by: found.row.lock?.by ?? '', at: found.row.at })
              return store.acquireDeliveryLock(row, lock)
            },
          }),
        },
        { operations: two, kills: ['bob'], passes: frozen },
      ),
    ))
  test('a cursor that is written, and a lock that is released, before the post', () =>
    table.catches(
      'at before the post',
      law(
        {
          ...options,
          mutant: (store) => ({
            acquireDeliveryLock: async (row, lock) => {
              const found = await store.acquireDeliveryLock(row, lock)
              const { slots } = await store.readSlotsBefore(row.topic, undefined, 1)
              const [epoch = '', at = ''] = found.status === 'locked' ? (found.row.at ?? '').split(':') : []
              const next = Math.min(Number(at) + 1, slots[0]?.offset ?? 0)
              if (found.status === 'locked')
                await store.releaseDeliveryLock(row, { by: lock.by, at: `${epoch}:${next}` })
              return found
            },
          }),
        },
        { operations: two },
      ),
    ))
})
