import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../lambda/test-line.suite.ts'
import type { Store } from '../ports/store.ts'
import {
  createRoom,
  publish,
  type Room,
  say,
  slotAt,
  slotsOf,
  stop,
  subscribe,
  topic,
  withOperations,
} from './subscriptions/room.suite.ts'

const never = () => new Promise<never>(() => {})
const hanging = (operation: keyof Store) => (inner: Store) => withOperations(inner, () => ({ [operation]: never }))
const frameMs = 28_000

/** Lets the frame's time pass, and the grace after it. */
async function pass(room: Room): Promise<void> {
  await settle()
  await room.clock.advance(frameMs)
  await settle()
}

const sync = (client: TestClient) =>
  client.send({ id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from: '0.e1:1' }] } })

describe('[LAW-DEADLINE]: a frame is answered before its deadline though the store hangs at', () => {
  test.each<[keyof Store, (client: TestClient) => Promise<unknown>]>([
    ['claimSubscription', (client) => subscribe(client)],
    ['putSubscriber', (client) => subscribe(client)],
    ['readConnectionAndShards', (client) => subscribe(client)],
    ['readSlotsBefore', (client) => subscribe(client)],
    ['readSlots', (client) => subscribe(client, 1, { lastEventId: '0.e1:1' })],
    ['stopSubscription', (client) => stop(client)],
    ['readSlotsBefore', (client) => say(client, 'x')],
    ['putSlot', (client) => say(client, 'x')],
  ])('%s [TL-CALL-4]', async (operation, act) => {
    const room = createRoom({ store: hanging(operation) })
    const client = await room.connect()
    const answered = act(client)
    await pass(room)
    const answer = (await answered) ?? client.frames().at(-1)
    expect(answer).toMatchObject({ line: { code: 'TIMEOUT' } })
  })
  test.each<keyof Store>(['readSubscribers', 'putReceipt'])(
    '%s, after the publish: its answer comes after three seconds, and the stream does the rest',
    async (operation) => {
      const room = createRoom({ store: hanging(operation) })
      const answered = say(await room.connect(), 'x')
      await settle()
      await room.clock.advance(3_000)
      expect(await answered).toMatchObject({ result: { type: 'data' } })
      expect(await room.store.hasReceipts([{ topic, offset: 1 }])).toEqual([false])
    },
  )
  test('sync’s reads [TL-SYNC-1]', async () => {
    let hangs = false
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({ readSlots: (...args) => (hangs ? never() : store.readSlots(...args)) })),
    })
    const client = await room.connect()
    await subscribe(client)
    hangs = true
    const answered = sync(client)
    await pass(room)
    expect(JSON.stringify(await answered)).toContain('"id":"s"')
  })
})

describe('[LAW-DEADLINE]: nothing starts after the deadline', () => {
  test('a publish after the deadline puts no slot', async () => {
    let resume = () => {}
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          readSlotsBefore: async (...args) => {
            await new Promise<void>((resolve) => {
              resume = resolve
            })
            return store.readSlotsBefore(...args)
          },
        })),
    })
    const answered = say(await room.connect(), 'late')
    await pass(room)
    expect(await answered).toMatchObject({ line: { code: 'TIMEOUT' } })
    resume()
    await settle()
    expect(await slotsOf(room)).toEqual([])
  })
})

describe('[LAW-DEADLINE]: a context that hangs', () => {
  test('is given up at the deadline', async () => {
    const room = createRoom({ createContext: never })
    const client = await room.connect()
    const answered = client.send({ id: 1, method: 'query', params: { path: 'whoami' } })
    await pass(room)
    expect(await answered).toMatchObject({ line: { code: 'TIMEOUT' } })
  })
})

describe('[LAW-DEADLINE]: a post that hangs', () => {
  async function twoListeners() {
    const room = createRoom()
    const [ann, bob, poster] = [await room.connect(), await room.connect(), await room.connect()]
    await subscribe(ann)
    await subscribe(bob)
    room.gateway.intercept = (id) => (id === ann.connectionId ? never() : undefined)
    return { room, ann, bob, poster }
  }
  test('stops only that connection’s delivery, and the publisher after two seconds', async () => {
    const { room, ann, bob, poster } = await twoListeners()
    const answered = say(poster, 'x')
    await settle()
    expect(bob.frames().at(-1)).toMatchObject({ result: { type: 'data', data: { data: { text: 'x' } } } })
    await room.clock.advance(2_000)
    expect(await answered).toMatchObject({ result: { type: 'data' } })
    expect(room.invoked).toMatchObject([
      { name: 'deliver', payload: { topic, offset: 2, to: [{ connectionId: ann.connectionId, id: '7', shard: 0 }] } },
    ])
    expect(await room.store.hasReceipts([{ topic, offset: 2 }])).toEqual([true])
  })
  test('is given up by the deliver function, which fails so that it is repeated', async () => {
    const { room, ann } = await twoListeners()
    await publish(room, 'x')
    const job = { topic, offset: 2, to: [{ shard: 0, connectionId: ann.connectionId, id: '7' }] }
    const delivered = room.line.withBackend(room.backend, () => room.handlers.deliver(job, {}))
    const failed = expect(delivered).rejects.toThrow('1 of 1 posts')
    await settle()
    await room.clock.advance(6_000)
    await failed
  })
  test('is given to a retry by the table’s stream', async () => {
    const { room, bob } = await twoListeners()
    await publish(room, 'x')
    const streamed = room.stream([{ topic, slot: slotAt(room, 2) }])
    await settle()
    await room.clock.advance(6_000)
    expect(await streamed).toEqual({ batchItemFailures: [] })
    expect(bob.frames()).toHaveLength(2)
    expect(room.invoked).toHaveLength(1)
  })
  test('of a response to a stock client deletes the connection, since its fate is unknown', async () => {
    const room = createRoom()
    const stock = await room.connect({ stock: true })
    room.gateway.intercept = (_, text) => (text.includes('started') ? never() : undefined)
    const answered = subscribe(stock)
    await settle()
    await room.clock.advance(6_000)
    await answered
    room.gateway.intercept = () => undefined
    expect(await room.gateway.post(stock.connectionId, '{}')).toEqual({ status: 'gone' })
  })
})

describe('[LAW-DEADLINE]: a store that hangs', () => {
  test('fails the stream’s records at its deadline', async () => {
    const room = createRoom({ store: hanging('readSubscribers') })
    const streamed = room.stream([{ topic, slot: slotAt(room, 1) }])
    await settle()
    await room.clock.advance(60_000)
    expect(await streamed).toMatchObject({ batchItemFailures: [{}] })
  })
  test('fails the deliver function at its deadline', async () => {
    const room = createRoom({ store: hanging('readSlots') })
    const delivered = room.line.withBackend(room.backend, () =>
      room.handlers.deliver({ topic, offset: 1, shard: 0 }, {}),
    )
    const failed = expect(delivered).rejects.toThrow('deadline')
    await settle()
    await room.clock.advance(30_000)
    await failed
  })
})
