import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import {
  createRoom,
  deliverRest,
  publish,
  type Room,
  slotsOf,
  subscribe,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'

const table = createScheduleTable('[LAW-SERVER-IDENTITY], auth ∥ subscribe ∥ deliver')

beforeAll(() => void vi.spyOn(console, 'info').mockImplementation(() => {})) // each changed claim is audited
afterAll(() => vi.restoreAllMocks())

interface Renewing extends Room {
  readonly ann: TestClient
}

const hour = 3_600_000
const start = 1_800_000_000_000

const auth = (hours: number) => (room: Renewing) =>
  room.ann.send({ id: hours, method: 'auth', params: { token: String(hours) } })

interface Options extends Partial<Pick<Exploration<Renewing>, 'kills' | 'passes'>> {
  readonly mutant?: Mutant
  /** Ann is subscribed before. @default false */
  readonly isSubscribed?: boolean
}

/**
 * A token is the number of hours that it holds from the start on, and its claims say the same; the connection's own
 * holds for one. The subscription has a filter, so that its row holds the claims.
 */
const renewing = (
  operations: Exploration<Renewing>['operations'],
  { kills = [], passes = {}, mutant, isSubscribed = false }: Options = {},
): Exploration<Renewing> => ({
  async world(scheduler: Scheduler) {
    const room = createRoom({
      scheduler,
      except: ['readRestrictions'], // nobody is kicked here
      authorize: ({ token }) => ({
        ...{ principal: 'ann', claims: { hours: Number(token) } },
        expiresAt: new Date(start + Number(token) * hour),
      }),
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    const made = { ...room, ann: await room.connect({ connectionId: 'a', token: '1' }) }
    if (isSubscribed) await live(made)
    return made
  },
  operations,
  kills,
  passes,
  async check(room, { killed, returned }) {
    const refused = [...returned].filter(([, answer]) => isRateLimited(answer)).map(([name]) => name)
    const auths = [...returned.keys()].filter((name) => name.startsWith('auth'))
    if (killed === undefined) expect(refused.length).toBeLessThan(auths.length) // [TL-AUTH-1]
    // What was not accepted is sent again, as the client does it.
    for (const name of [...refused, ...(killed?.startsWith('auth') ? [killed] : [])]) {
      await room.clock.advance(10_000)
      expect(await auth(Number(name.slice(-1)))(room)).toMatchObject({ result: { type: 'authorized' } }) // [TL-AUTH-5]
    }
    if (killed === 'subscribe') await live(room, 2)
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    const connection = await room.store.readConnection('a')
    expect(connection?.authExp).toBe(start + latest(operations) * hour)
    expect(subscribers.map(({ piped }) => piped?.claims)).toEqual([connection?.claims])
    for (const { authExp } of subscribers) expect(authExp).toBeLessThanOrEqual(connection?.authExp ?? 0)
    await hearsAfterItsFirstHour(room)
  },
})

/** Of two tokens the later expiry counts. */
const latest = (operations: object) => Math.max(...Object.keys(operations).map((name) => Number(name.slice(-1)) || 1))

const isRateLimited = (answer: unknown) =>
  (answer as { readonly line?: { readonly code?: string } } | undefined)?.line?.code === 'RATE_LIMITED'

/** A push must not be withheld from a client whose token was renewed [PROOF-STALE-EXPIRY]. [TL-AUTH-2] */
async function hearsAfterItsFirstHour(room: Renewing): Promise<void> {
  await room.clock.advance(hour + 1_000)
  await publish(room, 'LATE')
  await deliverRest(room)
  expect(room.ann.frames().at(-1)).toMatchObject({ result: { type: 'data', data: { data: { text: 'LATE' } } } })
}

const live = (room: Renewing, ref = 1) => subscribe(room.ann, ref, { path: 'loud' })
const deliver = async (room: Renewing) => {
  await publish(room, 'X')
  await room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
}
const begin = { subscribe: (room: Renewing) => live(room) }
/** After it, a second `auth` is accepted. */
const passes = { '10 s': (room: Renewing) => room.clock.advance(10_000) }

describe('auth ∥ subscribe', () => {
  test('leaves no live row with other claims than the connection’s, with either killed [TL-AUTH-2]', () =>
    table.holds('auth ∥ subscribe ∥ kill', renewing({ auth3: auth(3), ...begin }, { kills: ['auth3', 'subscribe'] })))
  test('leaves no such row while an event is delivered [TL-AUTH-2]', () =>
    table.holds('auth ∥ subscribe ∥ deliver', renewing({ auth3: auth(3), ...begin, deliver })))
  test('leaves no such row when two auths run at once, as after a late response [TL-AUTH-2]', () =>
    table.holds('auth ∥ auth ∥ subscribe', renewing({ auth2: auth(2), auth3: auth(3), ...begin })))
})

describe('auth ∥ auth', () => {
  const two = { auth2: auth(2), auth3: auth(3) }
  test('leave a live row with the connection’s claims, with either killed [TL-AUTH-1] [TL-AUTH-2]', () =>
    table.holds('auth ∥ auth ∥ kill', renewing(two, { kills: ['auth2', 'auth3'], isSubscribed: true })))
  test('leave such a row when the first is still writing 10 s later, with either killed [TL-AUTH-2]', () =>
    table.holds('auth ∥ 10 s ∥ auth', renewing(two, { kills: ['auth2', 'auth3'], passes, isSubscribed: true })))
  test('whose writes of claims have no order leave older ones: the explorer finds it', () => {
    let writes = start
    const mutant: Mutant = (store) => ({
      setSubscriberClaims: (row) =>
        store.setSubscriberClaims({
          ...row,
          get renewedAt() {
            writes += hour // read when the write takes effect
            return writes
          },
        }),
    })
    return table.catches('the last write of claims wins', renewing(two, { mutant, passes, isSubscribed: true }))
  })
})

describe('the explorer finds a broken [LAW-SERVER-IDENTITY]:', () => {
  const broken = (mutant: Mutant, options: Options = {}) =>
    renewing({ auth3: auth(3), ...begin }, { ...options, mutant })
  test('a subscribe that does not correct its row', () =>
    table.catches(
      'stale claims: S3 does not correct the row',
      broken((store) => ({
        setSubscriberClaims: async (row) => ('path' in row ? undefined : store.setSubscriberClaims(row)),
      })),
    ))
  test('an auth that updates its rows before the connection', () =>
    table.catches(
      'auth updates rows before the connection',
      broken((store) => {
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
      }),
    ))
  test('an auth that does not finish what a killed one began', () =>
    table.catches(
      'claims that are not pending',
      renewing(
        { auth3: auth(3) },
        {
          ...{ kills: ['auth3'], isSubscribed: true },
          mutant: (store) => ({
            renewConnection: (id, renewal) => store.renewConnection(id, { ...renewal, claimsPending: false }),
          }),
        },
      ),
    ))
  test('a delivery that takes the expiry in its row for the authority’s end', () =>
    table.catches(
      'the delivery does not ask the connection',
      broken((store) => {
        let isLate = false // the event of the check was published
        return {
          putSlot: (name, slot) => {
            isLate ||= slot.data !== undefined
            return store.putSlot(name, slot)
          },
          readConnection: async (id) => (isLate ? undefined : store.readConnection(id)),
        }
      }),
    ))
})
