import { describe, expect, test } from 'vitest'
import type { Store } from '../ports/store.ts'
import { createRoom, publish, say, slotAt, slotsOf, stop, subscribe, topic } from './subscriptions/room.suite.ts'
import { accessOf } from './subscriptions/store-access.suite.ts'

/** A room that counts its store's requests. */
function counted(options: Parameters<typeof createRoom>[0] = {}) {
  const calls: string[] = []
  const room = createRoom({
    ...options,
    store: (inner) =>
      new Proxy(options.store?.(inner) ?? inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function' || typeof name !== 'string') return member
          return (...args: readonly unknown[]) => {
            calls.push(`${accessOf(name as keyof Store, args).writes ? 'write' : 'read'} ${name}`)
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
  })
  return { room, took: () => calls.splice(0) }
}

describe('the requests to AWS', () => {
  test('of a connect are one write', async () => {
    const { room, took } = counted()
    await room.connect()
    expect(took()).toEqual(['write putConnection'])
  })
  test('of a call are none', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    took()
    await client.send({ id: 1, method: 'query', params: { path: 'whoami' } })
    expect(took()).toEqual([])
  })
  test('of a mutation with a key are a claim and a completion, and one read when a resend is settled', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    const params = { path: 'type', input: { room: 'x', text: 'x' }, key: 'own.k' }
    took()
    await client.send({ id: 1, method: 'mutation', params })
    expect(took()).toEqual(['write claimKey', 'read readSubscribers', 'write settleKey'])
    await client.send({ id: 1, method: 'mutation', params: { ...params, resend: true } })
    expect(took()).toEqual(['read readKey'])
    await client.send({ id: 2, method: 'mutation', params: { ...params, input: { room: 5 }, key: 'own.k2' } })
    expect(took()).toEqual([])
  })
  test('of a subscribe are three writes and two reads', async () => {
    const { room, took } = counted()
    await publish(room, 'x')
    const client = await room.connect()
    took()
    await subscribe(client)
    expect(took()).toEqual([
      'write addToCount',
      'write claimSubscription',
      'write putSubscriber',
      'read readConnectionAndShards',
      'read readSlotsBefore',
    ])
  })
  test('of a subscribe with a filter are two reads more, of the rows that its connection has at the topic', async () => {
    const { room, took } = counted()
    await publish(room, 'x')
    const client = await room.connect()
    took()
    await subscribe(client, 1, { path: 'loud' })
    expect(took()).toEqual([
      'read readSubscribersOf',
      'write addToCount',
      'write claimSubscription',
      'write putSubscriber',
      'read readSubscribersOf',
      'read readConnectionAndShards',
      'read readSlotsBefore',
    ])
  })
  test('of a subscribe to a topic without an anchor are one write more', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    took()
    await subscribe(client)
    expect(took().slice(5)).toEqual(['write putSlot'])
  })
  test('of a subscribe that sees an ageing head are one write more', async () => {
    const { room, took } = counted()
    await room.store.putSlot(topic, slotAt(room, 1, { expires: Math.ceil(room.clock.now() / 1_000) + 20 * 3_600 }))
    const client = await room.connect()
    took()
    await subscribe(client)
    expect(took().slice(5)).toEqual(['write extendSlot'])
  })
  test('of a resume are those of a subscribe', async () => {
    const { room, took } = counted()
    const { id } = await publish(room, 'x')
    const client = await room.connect()
    took()
    await subscribe(client, 1, { lastEventId: id })
    expect(took()).toEqual([
      'write addToCount',
      'write claimSubscription',
      'write putSubscriber',
      'read readConnectionAndShards',
      'read readSlots',
    ])
  })
  test('of a stop are three writes', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    await subscribe(client)
    took()
    await stop(client)
    expect(took()).toEqual(['write stopSubscription', 'write stopSubscriber', 'write addToCount'])
  })
  test('of a script’s publish are one read and one write', async () => {
    const { room, took } = counted()
    await publish(room, 'x')
    expect(took()).toEqual(['read readSlotsBefore', 'write putSlot'])
  })
  test('of a publish in a call are these, one page of subscribers and the receipt', async () => {
    const { room, took } = counted()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    took()
    await say(bob, 'x')
    expect(took()).toEqual(['read readSlotsBefore', 'write putSlot', 'read readSubscribers', 'write putReceipt'])
  })
  test('of a stock client’s subscribe are one write more, which releases its lock [TL-CHAIN-1]', async () => {
    const { room, took } = counted()
    await publish(room, 'x')
    const client = await room.connect({ stock: true })
    took()
    await subscribe(client)
    expect(took()).toEqual([
      'write addToCount',
      'write claimSubscription',
      'write putSubscriber',
      'read readConnectionAndShards',
      'read readSlotsBefore',
      'write releaseDeliveryLock',
    ])
  })
  test('of a delivery are two more writes for each stock subscription, and none for other clients', async () => {
    const { room, took } = counted()
    const [ann, cy, bob] = [await room.connect({ stock: true }), await room.connect(), await room.connect()]
    for (const client of [ann, cy]) await subscribe(client)
    took()
    await say(bob, 'x')
    expect(took()).toEqual([
      'read readSlotsBefore',
      'write putSlot',
      'read readSubscribers',
      'write acquireDeliveryLock',
      'write releaseDeliveryLock',
      'write putReceipt',
    ])
  })
  test('of a burst to a stock subscription are two writes and one read, however many events it has', async () => {
    const { room, took } = counted()
    const ann = await room.connect({ stock: true })
    await subscribe(ann)
    for (let n = 0; n < 20; n++) await publish(room, `${n}`)
    const slots = await slotsOf(room)
    took()
    await room.stream(slots.slice(-1).map((slot) => ({ topic, slot })))
    expect(took()).toEqual([
      'read readSubscribers',
      'write acquireDeliveryLock',
      'read readSlots',
      'write releaseDeliveryLock',
    ])
    expect(ann.frames()).toHaveLength(21)
    await room.stream(slots.map((slot) => ({ topic, slot })))
    expect(took().filter((call) => call.startsWith('write'))).toEqual([])
  })
  test('of a filtered delivery are one read of the block more, for all subscribers together', async () => {
    const { room, took } = counted()
    for (let n = 0; n < 5; n++) await subscribe(await room.connect(), 1, { path: 'loud' })
    const poster = await room.connect()
    took()
    await say(poster, 'LOUD')
    expect(took().filter((call) => call === 'read readSlots')).toHaveLength(1)
  })
})
