import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Mutant } from '../calls/keyed-world.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Turns } from '../explore.suite.ts'
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

interface Renewing extends Room {
  readonly ann: TestClient
}

const hour = 3_600_000
const start = 1_800_000_000_000

const auth = (hours: number) => (room: Renewing) =>
  room.ann.send({ id: hours, method: 'auth', params: { token: String(hours) } })

/** A token is the number of hours that it holds from the start on; the connection's own holds for one. */
const renewing = (
  operations: Exploration<Renewing>['operations'],
  kills: readonly string[] = [],
  mutant?: Mutant,
): Exploration<Renewing> => ({
  async world(turns: Turns) {
    const room = createRoom({
      turns,
      authorize: ({ token }) => ({ principal: 'ann', claims: {}, expiresAt: new Date(start + Number(token) * hour) }),
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    return { ...room, ann: await room.connect({ connectionId: 'a', token: '1' }) }
  },
  operations,
  kills,
  async check(room, { killed, returned }) {
    // what was not answered is sent again
    if (killed?.startsWith('auth')) await auth(Number(killed.slice(-1)))(room)
    if (killed === 'subscribe') await subscribe(room.ann, 2)
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    const connection = await room.store.readConnection('a')
    expect(subscribers.map(({ authExp }) => authExp)).toEqual([connection?.authExp])
    for (const [name, answer] of returned)
      if (name.startsWith('auth')) expect(answer).toMatchObject({ result: { type: 'authorized' } }) // [TL-AUTH-1]
    await hearsAfterItsFirstHour(room)
  },
})

/** A push must not be withheld from a client whose token was renewed [PROOF-STALE-EXPIRY]. [TL-AUTH-2] */
async function hearsAfterItsFirstHour(room: Renewing): Promise<void> {
  await room.clock.advance(hour + 1_000)
  await publish(room, 'late')
  await deliverRest(room)
  expect(room.ann.frames().at(-1)).toMatchObject({ result: { type: 'data', data: { data: { text: 'late' } } } })
}

const live = (room: Renewing) => subscribe(room.ann)
const deliver = async (room: Renewing) => {
  await publish(room, 'x')
  await room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
}

describe('auth ∥ subscribe', () => {
  test('leaves no live row with an older expiry than the connection’s, with either killed [TL-AUTH-2]', () =>
    table.holds('auth ∥ subscribe ∥ kill', renewing({ auth3: auth(3), subscribe: live }, ['auth3', 'subscribe'])))
  test('leaves no such row while an event is delivered [TL-AUTH-2]', () =>
    table.holds('auth ∥ subscribe ∥ deliver', renewing({ auth3: auth(3), subscribe: live, deliver })))
  test('leaves no such row when two auths run at once, as after a late response [TL-AUTH-2]', () =>
    table.holds('auth ∥ auth ∥ subscribe', renewing({ auth2: auth(2), auth3: auth(3), subscribe: live })))
})

describe('auth ∥ auth', () => {
  const two = { auth2: auth(2), auth3: auth(3) }
  const subscribed = (exploration: Exploration<Renewing>): Exploration<Renewing> => ({
    ...exploration,
    async world(turns) {
      const made = await exploration.world(turns)
      await live(made)
      return made
    },
  })
  test('leave a live row with the connection’s expiry, with either killed [TL-AUTH-1] [TL-AUTH-2]', () =>
    table.holds('auth ∥ auth ∥ kill', subscribed(renewing(two, ['auth2', 'auth3']))))
  test('that do not read the connection again leave the older expiry: the explorer finds it', () =>
    table.catches(
      'auth does not look at the connection afterwards',
      subscribed(
        renewing(two, [], (store) => {
          let renewed = false
          return {
            renewConnection: (...renewal) => {
              renewed = true
              return store.renewConnection(...renewal)
            },
            readConnection: async (id) => {
              const connection = await store.readConnection(id)
              return renewed && connection ? { ...connection, state: 'CLOSED' } : connection // so that its expiry does not matter
            },
          }
        }),
      ),
    ))
})

describe('the explorer finds a broken [LAW-SERVER-IDENTITY]:', () => {
  const broken = (mutant: Mutant) => renewing({ auth3: auth(3), subscribe: live }, [], mutant)
  test('a subscribe that does not correct its row', () =>
    table.catches(
      'stale authExp: S3 does not correct the row',
      broken((store) => ({
        setSubscriberAuthExp: async (row) => ('path' in row ? undefined : store.setSubscriberAuthExp(row)),
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
          readSubscriptions: async (connectionId) => {
            const rows = await store.readSubscriptions(connectionId)
            const { ref = 0, shard = 0, id = '' } = rows[0] ?? {}
            await store.setSubscriberAuthExp({ topic, connectionId, ref, shard, id, authExp: start + 3 * hour })
            await renew()
            return []
          },
        }
      }),
    ))
})
