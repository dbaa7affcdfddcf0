import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import { createRoom, otherTopic, publish, type Room, slotsOf, subscribe, topic } from '../subscriptions/room.suite.ts'

const streamAll = async (room: Room, topics = [topic]) => {
  const slots = await Promise.all(
    topics.map(async (name) => (await slotsOf(room, name)).map((slot) => ({ topic: name, slot }))),
  )
  return room.stream(slots.flat())
}
/** The messages posted to a connection after its first one, each as the offsets of its frames. */
const messages = (room: Room, connectionId: string) =>
  room.gateway
    .posted(connectionId)
    .slice(1)
    .map((text) => [JSON.parse(text)].flat().map(({ result }) => `${result.type} ${result.id?.split(':')[1]}`))

describe('events that are ready at the same time', () => {
  test('are posted to a connection in one message, in the order of the log [TL-PUSH-1]', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    await subscribe(bob)
    for (const text of ['a', 'b', 'c']) await publish(room, text)
    await streamAll(room)
    const together = [['data 2', 'data 3', 'data 4']]
    expect([messages(room, ann.connectionId), messages(room, bob.connectionId)]).toEqual([together, together])
  })
  test('share a message when they are of several topics and subscriptions of a connection [TL-PUSH-1]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    await ann.send({ id: 8, method: 'subscription', params: { path: 'loud', input: { room: 'x' }, ref: 1 } })
    await ann.send({ id: 9, method: 'subscription', params: { path: 'live', input: { room: 'y' }, ref: 1 } })
    await publish(room, 'LOUD')
    await room.asScript(() => room.events.publish({ room: 'y' }, { text: 'y' }))
    const before = room.gateway.posted(ann.connectionId).length
    await streamAll(room, [topic, otherTopic])
    const posted = room.gateway.posted(ann.connectionId).slice(before)
    expect(posted).toHaveLength(1)
    expect(JSON.parse(posted[0] ?? '').map(({ id }: { id: number }) => id)).toEqual([7, 8, 9])
  })
  test('are posted to a stock client one at a time [TL-STOCK-1]', async () => {
    const room = createRoom()
    const ann = await room.connect({ stock: true })
    await subscribe(ann)
    for (const text of ['a', 'b']) await publish(room, text)
    await streamAll(room)
    expect(messages(room, ann.connectionId)).toEqual([['data 2'], ['data 3']])
  })
  test('are split when they exceed one message [TL-LIM-3]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    const text = 'x'.repeat(40_000)
    for (let n = 0; n < 5; n++) await publish(room, text)
    await streamAll(room)
    expect(messages(room, ann.connectionId)).toEqual([
      ['data 2', 'data 3', 'data 4'],
      ['data 5', 'data 6'],
    ])
    for (const posted of room.gateway.posted(ann.connectionId))
      expect(Buffer.byteLength(posted)).toBeLessThanOrEqual(limits.messageBytes.value)
  })
  test('share a message with the fault of an event that could not be mapped [TL-PUSH-1] [TL-SUB-11]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann, 1, { path: 'broken' })
    for (const text of ['a', 'b!', 'c']) await publish(room, text)
    await streamAll(room)
    expect(messages(room, ann.connectionId)).toEqual([['data 2', 'fault 3', 'data 4']])
  })
  test('do not wait for a subscription whose procedure is slow [TL-PUSH-1]', async () => {
    let go = () => {}
    let slow = false
    const slowly = new Promise<object>((resolve) => (go = () => resolve({})))
    const room = createRoom({ createContext: () => (slow ? slowly : {}) })
    const ann = await room.connect()
    await subscribe(ann)
    await ann.send({ id: 8, method: 'subscription', params: { path: 'loud', input: { room: 'x' }, ref: 1 } })
    await publish(room, 'LOUD')
    slow = true
    const before = room.gateway.posted(ann.connectionId).length
    const streamed = streamAll(room)
    await settle()
    await room.clock.advance(100)
    const posted = () =>
      room.gateway
        .posted(ann.connectionId)
        .slice(before)
        .map((text) => JSON.parse(text).id)
    expect(posted()).toEqual([7])
    go()
    await streamed
    expect(posted()).toEqual([7, 8])
  })
  test('prune only the rows of a connection that is gone', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    await subscribe(bob)
    for (const text of ['a', 'b']) await publish(room, text)
    room.gateway.close(ann.connectionId)
    await streamAll(room)
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    expect(subscribers.map(({ connectionId }) => connectionId)).toEqual([bob.connectionId])
    expect(room.invoked).toEqual([])
  })
  test('are retried by one job and posted in one message when their post fails', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    for (const text of ['a', 'b', 'c']) await publish(room, text)
    room.gateway.intercept = () => ({ status: 'failed', unknown: false, reason: '403' })
    await streamAll(room)
    const to = [{ shard: 0, connectionId: ann.connectionId, id: '7' }]
    expect(room.invoked).toEqual([{ name: 'deliver', payload: { topic, offset: 2, to } }])
    room.gateway.intercept = () => undefined
    await room.line.withBackend(room.backend, () => room.handlers.deliver(room.invoked[0]?.payload, {}))
    expect(messages(room, ann.connectionId)).toEqual([['data 2', 'data 3', 'data 4']])
  })
})
