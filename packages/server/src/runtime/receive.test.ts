import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { firstShard, rememberShards, shardHintsOf } from './context/shard-hints.ts'
import { joined } from './requests/chunked.suite.ts'
import { createRoom, publish, say, slotAt, stop, subscribe, topic, withOperations } from './subscriptions/room.suite.ts'

const start = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' } } }
const end = { id: 7, method: 'subscription.stop' }
const stopped = { id: 7, result: { type: 'stopped' } }
const liveRows = async (room: ReturnType<typeof createRoom>) => (await room.store.readSubscribers(topic, 0)).subscribers

describe('a message that starts and stops a subscription', () => {
  test.each([true, false])('answers the stop alone (stock: %j) [TL-STOP-3]', async (stock) => {
    const room = createRoom()
    const client = await room.connect({ stock })
    expect([...client.frames(), await client.send([start, end])]).toEqual([stopped])
    expect(await liveRows(room)).toEqual([])
  })
  test('ends no start with a higher ref, in any order of the array [TL-STOP-2]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const later = { ...start, params: { ...start.params, ref: 2 } }
    await client.send([end, later])
    expect((await liveRows(room)).map(({ ref }) => ref)).toEqual([2])
  })
})

describe('a subscribe that names another topic', () => {
  const other = { input: { room: 'y' } }
  test('ends the row that stood, as its answer does at the client [TL-SUB-14] [TL-ERR-4]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await subscribe(client)
    await subscribe(client, 2, other)
    expect(client.frames().at(-1)).toMatchObject({ id: 7, line: { code: 'TOPIC_CHANGED' } })
    expect(await liveRows(room)).toEqual([])
  })
  test('is answered so under a stopped id too [TL-SUB-14]', async () => {
    const client = await createRoom().connect()
    await subscribe(client)
    await stop(client)
    await subscribe(client, 2, other)
    expect(client.frames().at(-1)).toMatchObject({ id: 7, line: { code: 'TOPIC_CHANGED' } })
  })
})

describe('a stock client', () => {
  test('resumes over many pages in one go, in order, since it cannot fetch', async () => {
    const room = createRoom()
    for (let offset = 1; offset <= 620; offset++) await room.store.putSlot(topic, slotAt(room, offset))
    const client = await room.connect({ stock: true })
    await client.send({ ...start, params: { ...start.params, lastEventId: '0.e1:10' } })
    const ids = (client.frames() as { result: { id?: string } }[]).slice(1).map(({ result }) => result.id)
    expect(ids).toEqual(Array.from({ length: 610 }, (_, index) => `0.e1:${index + 11}`))
  })
  test('gets a replay beyond the page limit whole', async () => {
    const room = createRoom()
    const data = JSON.stringify({ text: 'y'.repeat(30_000) })
    for (let offset = 1; offset <= 12; offset++) await room.store.putSlot(topic, slotAt(room, offset, { data }))
    const client = await room.connect({ stock: true })
    await client.send({ ...start, params: { ...start.params, path: 'replayed' } })
    expect(client.frames()).toHaveLength(13)
  })
})

describe('an answer of ours', () => {
  test('brings something where events are so large that a request returns two of them [TL-SYNC-3]', async () => {
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          readSlots: (of, after, limit) => store.readSlots(of, after, Math.min(limit, 2)),
        })),
    })
    for (let offset = 1; offset <= 6; offset++) await room.store.putSlot(topic, slotAt(room, offset))
    const [client, stock] = [await room.connect(), await room.connect({ stock: true })]
    await subscribe(client, 1, { lastEventId: '0.e1:1' })
    expect(client.frames().length).toBeGreaterThan(1)
    await subscribe(stock, 1, { lastEventId: '0.e1:1' })
    expect(stock.frames()).toHaveLength(6)
  })
  test('stays within a page, and its head says that there is more [TL-SUB-1] [TL-SYNC-3]', async () => {
    const room = createRoom()
    const data = JSON.stringify({ text: 'y'.repeat(30_000) })
    for (let offset = 1; offset <= 12; offset++) await room.store.putSlot(topic, slotAt(room, offset, { data }))
    const client = await room.connect()
    await subscribe(client, 1, { lastEventId: '0.e1:1' })
    const [text = ''] = room.gateway.posted(client.connectionId)
    expect(Buffer.byteLength(text)).toBeLessThan(limits.messageBytes.value)
    expect(client.frames()[0]).toMatchObject({ result: { head: '0.e1:12' } })
    expect(client.frames()).toHaveLength(4)
  })
  test('of an event as large as may be published goes in chunks, together with `started` [TL-LIM-3] [TL-LIM-5]', async () => {
    const room = createRoom()
    const { id } = await publish(room, 'first')
    await publish(room, 'y'.repeat(limits.eventBytes.value - '{"text":""}'.length))
    const client = await room.connect()
    await subscribe(client, 1, { lastEventId: id })
    expect(joined(client.frames())).toMatchObject([{ result: { type: 'started' } }, { result: { type: 'data' } }])
    for (const text of room.gateway.posted(client.connectionId))
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.messageBytes.value)
  })
})

describe('hints of shards', () => {
  test('of one store say nothing of another, where the same topic may not have grown', async () => {
    const [grown, small] = [createRoom(), createRoom()]
    rememberShards(shardHintsOf(grown.store), topic, 8)
    expect(firstShard(shardHintsOf(small.store), topic, 'b')).toBe(0)
    const client = await small.connect({ connectionId: 'b' })
    await subscribe(client)
    await say(await small.connect(), 'x')
    expect(client.frames()).toHaveLength(2)
  })
  test('come with each subscribe, so a process that delivers nothing spreads what it puts', async () => {
    const room = createRoom()
    await room.store.growShards(topic, 1, 4)
    const clients = await Promise.all(Array.from({ length: 40 }, () => room.connect()))
    for (const client of clients) await subscribe(client)
    const shards = [0, 1, 2, 3].map((shard) => room.store.readSubscribers(topic, shard))
    const counts = (await Promise.all(shards)).map(({ subscribers }) => subscribers.length)
    expect(counts.reduce((sum, count) => sum + count)).toBe(40)
    expect(Math.min(...counts)).toBeGreaterThan(3)
    expect(Math.max(...counts)).toBeLessThan(20)
  })
})
