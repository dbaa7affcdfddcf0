import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createRoom, publish, type Room, slotsOf, subscribe, topic } from '../subscriptions/room.suite.ts'

const hour = 3_600_000
const start = 1_800_000_000_000

/** A room that records its store's requests. A token says for how many hours it holds, and which claims it has. */
async function recorded() {
  const calls: string[] = []
  const room = createRoom({
    authorize: ({ token = '1' }) => {
      const [hours, claims = null] = token.split(' ')
      return { principal: 'ann', claims, expiresAt: new Date(start + Number(hours) * hour) }
    },
    store: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            calls.push(String(name))
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }) as Store,
  })
  const deliver = async () => {
    await publish(room, 'X')
    const slots = await slotsOf(room)
    took()
    await room.stream(slots.slice(-1).map((slot) => ({ topic, slot })))
    return took().filter((name) => name !== 'hasReceipts' && name !== 'readSubscribers')
  }
  const took = () => calls.splice(0)
  return { room, ann: await room.connect(), took, deliver }
}

const auth = (token: string) => ({ id: 'a', method: 'auth', params: { token } })
const authorized = { id: 'a', result: { type: 'authorized' } }

/** Puts the rows of subscriptions to as many rooms. */
async function subscribeToMany({ store }: Room, { connectionId }: TestClient, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const row = { connectionId, id: `"${n}"`, ref: 1, topic: `room?room=s:${n}`, shard: 0, expires: start }
    await store.claimSubscription(row)
    await store.putSubscriber({ ...row, on: true, path: 'live', extensions: true, authExp: start + hour })
  }
}

describe('an auth', () => {
  test('with the same claims is one write between two reads, with 2,000 subscriptions as with none', async () => {
    const { room, ann, took } = await recorded()
    for (const count of [0, 2_000]) {
      await subscribeToMany(room, ann, count)
      await room.clock.advance(10_000)
      took()
      expect(await ann.send(auth('2'))).toMatchObject(authorized)
      expect(took()).toEqual(['readConnection', 'renewConnection', 'readRestrictions'])
    }
  })
  test('within 10 s of the last is one read, before the application judges its token [TL-AUTH-5]', async () => {
    const { ann, took } = await recorded()
    await ann.send(auth('2'))
    took()
    expect(await ann.send(auth('broken'))).toMatchObject({ line: { code: 'RATE_LIMITED' } })
    expect(took()).toEqual(['readConnection'])
  })
  test('with other claims writes the rows that hold claims, and no others', async () => {
    const { room, ann, took } = await recorded()
    await subscribeToMany(room, ann, 50)
    for (const id of ['f1', 'f2'])
      await ann.send({ id, method: 'subscription', params: { path: 'loud', input: { room: 'x' }, ref: 1 } })
    took()
    expect(await ann.send(auth('2 moderator'))).toMatchObject(authorized)
    expect(took()).toEqual([
      ...['readConnection', 'renewConnection', 'readRestrictions', 'readSubscriptions'],
      ...['setSubscriberClaims', 'setSubscriberClaims', 'settleClaims'],
    ])
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    expect(subscribers.map(({ piped }) => piped?.claims)).toEqual(['"moderator"', '"moderator"'])
  })
  test('whose last function died before it wrote the rows writes them, with the same claims', async () => {
    const { room, ann } = await recorded()
    await subscribe(ann, 1, { path: 'loud' })
    const renewal = { authExp: start + 2 * hour, claims: '"moderator"', renewedAt: start, follows: undefined }
    await room.store.renewConnection(ann.connectionId, { ...renewal, claimsPending: true })
    await room.clock.advance(10_000)
    expect(await ann.send(auth('2 moderator'))).toMatchObject(authorized)
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    expect(subscribers.map(({ piped }) => piped?.claims)).toEqual(['"moderator"'])
    expect(await room.store.readConnection(ann.connectionId)).not.toHaveProperty('claimsPending')
  })
})

describe('a delivery that meets a row whose expiry has passed', () => {
  const received = (client: TestClient) => client.frames().filter((frame) => JSON.stringify(frame).includes('"X"'))

  test('reads the connection once, posts if it was renewed, and writes the new expiry into that row [TL-AUTH-2]', async () => {
    const { room, ann, deliver } = await recorded()
    await subscribe(ann)
    await ann.send(auth('2'))
    expect(await deliver()).toEqual([])
    await room.clock.advance(1.5 * hour)
    expect(await deliver()).toEqual(['readConnection', 'setSubscriberAuthExp'])
    expect(await deliver()).toEqual([])
    expect(received(ann)).toHaveLength(3)
  })
  test('reads the connection once for all its rows', async () => {
    const { room, ann, deliver } = await recorded()
    for (const id of [1, 2, 3])
      await ann.send({ id, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    await ann.send(auth('2'))
    await room.clock.advance(1.5 * hour)
    expect((await deliver()).sort()).toEqual(['readConnection', ...Array(3).fill('setSubscriberAuthExp')])
    expect(received(ann)).toHaveLength(3)
  })
  test('reads the connection and posts nothing while the authority has ended [TL-ERR-6]', async () => {
    const { room, ann, deliver } = await recorded()
    await subscribe(ann)
    await room.clock.advance(1.5 * hour)
    expect(await deliver()).toEqual(['readConnection'])
    expect(received(ann)).toEqual([])
  })
})
