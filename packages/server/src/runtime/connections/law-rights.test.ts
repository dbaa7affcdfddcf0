import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import {
  authBy,
  type Club,
  clubTopic,
  createClub,
  deliverLast,
  newsOf,
  publishIn,
  subscribeTo,
  syncFrom,
  watchedTopic,
} from '../subscriptions/club.suite.ts'
import { withOperations } from '../subscriptions/room.suite.ts'

const table = createScheduleTable('[LAW-RIGHTS], auth ∥ subscribe, resume, sync, deliver')

/** Ann's token allows the room x, and the one of her `auth` does not. */
interface Losing extends Club {
  readonly ann: TestClient
  /** Her position before the event. */
  readonly from: string
  /** When her `auth` was answered with `authorized`. */
  readonly lost: { at: number | undefined }
  /** Posts with the event that began later than 5 s after that, or answers to frames that came so late. */
  readonly late: string[]
}

type Operations = Exploration<Losing>['operations']

const lose = async (world: Losing) => {
  const answer = [await authBy(world.ann, 'y')].flat()
  if (JSON.stringify(answer).includes('authorized')) world.lost.at = world.clock.now()
  return answer
}
const isLate = ({ lost, clock }: Losing) => lost.at !== undefined && clock.now() > lost.at + 5_000
const begin = (world: Losing) => subscribeTo(world.ann, 'replayed', { ref: 2 })
const resume = (world: Losing) => subscribeTo(world.ann, 'live', { ref: 2, lastEventId: world.from })
const sync = async (world: Losing) => {
  const answer = JSON.stringify((await syncFrom(world.ann, world.from)) ?? null)
  if (answer.includes('"NEWS"') && isLate(world)) world.late.push('sync')
}
const deliver = (world: Losing) => deliverLast(world)
const wait = { '6 s': (world: Losing) => world.clock.advance(6_000) }

/** The rows that a delivery reads arrive some time after they were read. */
const arriving =
  (scheduler: Scheduler): Mutant =>
  (store) => ({
    readSubscribers: async (...args) => {
      const page = await store.readSubscribers(...args)
      await scheduler.at('rows arrive', { rows: [], writes: false })
      return page
    },
  })

interface Options extends Partial<Pick<Exploration<Losing>, 'kills' | 'passes'>> {
  readonly mutant?: Mutant
  /** Ann is subscribed before, by this procedure. */
  readonly path?: string
}

const losing = (operations: Operations, { kills = [], passes = {}, mutant, path }: Options = {}) =>
  ({
    async world(scheduler: Scheduler) {
      const made = createClub({
        scheduler,
        store: (inner) => withOperations(withOperations(inner, arriving(scheduler)), mutant ?? (() => ({}))),
      })
      const ann = await made.connect({ connectionId: 'a', token: 'x' })
      const first = await publishIn(made)
      const world: Losing = { ...made, ann, from: first.id, lost: { at: undefined }, late: [] }
      const { intercept } = made.gateway
      made.gateway.intercept = (id, text) => {
        if (text.includes('"NEWS"') && isLate(world)) world.late.push('post')
        return intercept(id, text)
      }
      if (path !== undefined) await subscribeTo(ann, path)
      await publishIn(made)
      if (path?.startsWith('watched')) await publishIn(made, 'watched')
      return world
    },
    operations,
    kills,
    passes,
    check: losesTheRoom,
  }) satisfies Exploration<Losing>

/** Ann gets nothing of the room from 5 s after the answer on, and no row holds the claims of before. */
async function losesTheRoom(world: Losing, { killed }: { readonly killed: string | undefined }): Promise<void> {
  const { ann, clock, store, late } = world
  if (killed === 'auth') {
    await clock.advance(10_000)
    await lose(world) // the client sends it again
  }
  // A client whose subscribe has no answer sends it again, and every client syncs.
  if (killed === 'begin' || killed === 'resume') await subscribeTo(ann, 'replayed', { ref: 3 })
  await clock.advance(6_000)
  const before = newsOf(ann)
  await publishIn(world)
  await deliverLast(world)
  await publishIn(world, 'watched')
  await deliverLast(world, watchedTopic)
  expect(newsOf(ann)).toBe(before)
  expect(late).toEqual([])
  const topics = await Promise.all([clubTopic, watchedTopic].map((topic) => store.readSubscribers(topic, 0)))
  expect(topics.flatMap(({ subscribers }) => subscribers)).toEqual([])
  const rows = await store.readSubscriptions('a')
  expect(rows.filter(({ on }) => on)).toEqual([])
}

describe('[LAW-RIGHTS]: when an auth takes a right away,', () => {
  test('a subscribe that runs at the same time is not live afterwards, with either killed [TL-RIGHT-3]', () =>
    table.holds('auth ∥ subscribe ∥ kill', losing({ auth: lose, begin }, { kills: ['auth', 'begin'] })))
  test('a resume that runs at the same time is not live afterwards, with either killed [TL-RIGHT-3]', () =>
    table.holds('auth ∥ resume ∥ kill', losing({ auth: lose, resume }, { kills: ['auth', 'resume'], path: 'live' })))
  test('a sync that runs at the same time has no event 5 s later [TL-RIGHT-3]', () =>
    table.holds('auth ∥ sync ∥ 6 s', losing({ auth: lose, sync }, { passes: wait, path: 'live' })))
  test('a delivery that runs at the same time posts nothing 5 s later, with auth killed [TL-RIGHT-3]', () =>
    table.holds(
      'auth ∥ deliver ∥ 6 s ∥ kill',
      losing({ auth: lose, deliver }, { kills: ['auth'], passes: wait, path: 'live' }),
    ))
  test('a delivery with filter and recheck posts nothing 5 s later [TL-RIGHT-3]', () =>
    table.holds(
      'auth ∥ deliver, filter and recheck ∥ 6 s',
      losing(
        { auth: lose, deliver: (world) => deliverLast(world, watchedTopic) },
        { passes: wait, path: 'watchedLoud' },
      ),
    ))
  test('a subscribe during a delivery gets nothing 5 s later [TL-RIGHT-3]', () =>
    table.holds('auth ∥ subscribe ∥ deliver', losing({ auth: lose, begin, deliver })))
})

describe('the explorer finds a broken [LAW-RIGHTS]:', () => {
  test('a subscribe that is not checked by the claims of the connection', () =>
    table.catches(
      'S3 does not check',
      losing(
        { auth: lose, begin },
        {
          mutant: (store) => ({
            readConnectionAndShards: async (id, topic) => {
              const { connection, ...rest } = await store.readConnectionAndShards(id, topic)
              return { ...rest, ...(connection && { connection: { ...connection, claims: '{"rooms":["x"]}' } }) }
            },
          }),
        },
      ),
    ))
  test('an auth that reads the rows before it writes the connection', () =>
    table.catches(
      'auth asks before the connection has the claims',
      losing(
        { auth: lose, begin },
        {
          mutant: (store) => {
            let renew = async () => {}
            return {
              renewConnection: async (...renewal) => {
                renew = async () => void (await store.renewConnection(...renewal))
                return 'renewed'
              },
              settleClaims: async (...settled) => {
                await renew()
                return store.settleClaims(...settled)
              },
            }
          },
        },
      ),
    ))
  test('a delivery that trusts rows which it read long ago', () =>
    table.catches(
      'the delivery does not read its rows again',
      losing(
        { auth: lose, deliver },
        {
          ...{ passes: wait, path: 'live' },
          mutant: (store) => ({
            readSubscriber: async (row) => ({ ...(await store.readSubscriber(row)), ...row, on: true }) as never,
          }),
        },
      ),
    ))
  test('an auth that does not finish what a killed one began', () =>
    table.catches(
      'claims that are not pending',
      losing(
        { auth: lose },
        {
          ...{ kills: ['auth'], path: 'live' },
          mutant: (store) => ({
            renewConnection: (id, renewal) => store.renewConnection(id, { ...renewal, claimsPending: false }),
          }),
        },
      ),
    ))
  test('an auth that stops the connection’s row and not the topic’s', () =>
    table.catches(
      'the topic’s row stays',
      losing({ auth: lose }, { path: 'live', mutant: () => ({ stopSubscriber: async () => 'stopped' }) }),
    ))
})
