import { describe, expect, test, vi } from 'vitest'
import { settle } from '../../lambda/test-line.suite.ts'
import {
  createRoom,
  deliverRest,
  publish,
  say,
  slotAt,
  slotsOf,
  subscribe,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'

const kinds = (frames: readonly unknown[]) =>
  (frames as { result?: { type: string } }[]).map(({ result }) => result?.type)

describe('[LAW-ISOLATION]: one bad event', () => {
  test('whose data is not JSON becomes a fault, and the events around it arrive [TL-SUB-11]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    const poison = slotAt(room, 2, { epoch: (await slotsOf(room))[0]?.epoch ?? '', data: '{nope' })
    await room.store.putSlot(topic, poison)
    await publish(room, 'after')
    await deliverRest(room)
    expect(kinds(ann.frames())).toEqual(['started', 'fault', 'data'])
    expect(room.failures).toHaveLength(1)
  })
  test('whose data is not JSON is left out of a page, and the others are read', async () => {
    const room = createRoom()
    await publish(room, 'before')
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    await room.store.putSlot(topic, slotAt(room, 2, { epoch, data: '{nope' }))
    await publish(room, 'after')
    const page = await room.asScript(() => room.events.read({ room: 'x' }))
    expect(page.events.map(({ data }) => data.text)).toEqual(['before', 'after'])
  })
  test('whose `map` throws for one subscriber is a fault only for that one [TL-SUB-11]', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann, 1, { path: 'broken' })
    await subscribe(bob)
    const poster = await room.connect()
    for (const text of ['a', 'b!', 'c']) await say(poster, text)
    expect(kinds(ann.frames())).toEqual(['started', 'data', 'fault', 'data'])
    expect(kinds(bob.frames())).toEqual(['started', 'data', 'data', 'data'])
    expect(room.failures).toEqual(['map failed'])
  })
  test('becomes a fault in a resume [TL-SUB-11]', async () => {
    const room = createRoom()
    const first = await publish(room, 'a')
    for (const text of ['b!', 'c']) await publish(room, text)
    const ann = await room.connect()
    await subscribe(ann, 1, { path: 'broken', lastEventId: first.id })
    expect(kinds(ann.frames())).toEqual(['started', 'fault', 'data'])
  })
  test('that cannot be read is skipped by the stream, and the others are delivered', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    const good = slotAt(room, 2, { epoch: (await slotsOf(room))[0]?.epoch ?? '' })
    const bad = { ...good, offset: 0 }
    expect(
      await room.stream([
        { topic, slot: bad },
        { topic, slot: good },
      ]),
    ).toEqual({ batchItemFailures: [] })
    expect(kinds(ann.frames())).toEqual(['started', 'data'])
    expect(log).not.toHaveBeenCalled() // the key of another kind of row is no error
    log.mockRestore()
  })
  test('whose `inline` lies years ahead delays its batch only by seconds', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    const streamed = room.stream([{ topic, slot: slotAt(room, 2, { epoch, inline: room.clock.now() + 1e12 }) }])
    await settle()
    await room.clock.advance(7_000)
    expect(await streamed).toEqual({ batchItemFailures: [] })
    expect(kinds(ann.frames())).toEqual(['started', 'data'])
  })
  test('of a topic whose subscribers cannot be read fails alone, is reported and given to `deliver`', async () => {
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          readSubscribers: async (name, ...rest) => {
            if (name.includes('bad')) throw new Error('broken')
            return store.readSubscribers(name, ...rest)
          },
        })),
    })
    const ann = await room.connect()
    await subscribe(ann)
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    const streamed = await room.stream([
      { topic: 'room?room=s:bad', slot: slotAt(room, 1) },
      { topic, slot: slotAt(room, 2, { epoch }) },
    ])
    expect(streamed).toEqual({ batchItemFailures: [] })
    expect(room.invoked).toEqual([{ name: 'deliver', payload: { topic: 'room?room=s:bad', offset: 1 } }])
    expect(kinds(ann.frames())).toEqual(['started', 'data'])
    expect(room.failures).toEqual(['broken'])
  })
  test('that can neither be delivered nor retried is repeated alone by the stream', async () => {
    const room = createRoom({
      store: (inner) =>
        withOperations(inner, (store) => ({
          readSubscribers: async (name, ...rest) => {
            if (name.includes('bad')) throw new Error('broken')
            return store.readSubscribers(name, ...rest)
          },
        })),
    })
    const ann = await room.connect()
    await subscribe(ann)
    Object.assign(room.backend.invoker ?? {}, { invoke: () => Promise.reject(new Error('throttled')) })
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    const streamed = await room.stream([
      { topic: 'room?room=s:bad', slot: slotAt(room, 1) },
      { topic, slot: slotAt(room, 2, { epoch }) },
    ])
    expect((streamed as { batchItemFailures: unknown[] }).batchItemFailures).toHaveLength(1)
    expect(kinds(ann.frames())).toEqual(['started', 'data'])
    expect(room.failures).toEqual(['broken', 'throttled'])
  })
})

describe('[LAW-ISOLATION]: a post that always fails', () => {
  test('is retried, and a redelivery is idempotent', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    await subscribe(bob)
    room.gateway.intercept = (id) =>
      id === ann.connectionId ? { status: 'failed', unknown: false, reason: '403' } : undefined
    await say(await room.connect(), 'x')
    expect(bob.frames()).toHaveLength(2)
    const job = { topic, offset: 2, to: [{ connectionId: ann.connectionId, id: '7', shard: 0 }] }
    expect(room.invoked).toEqual([{ name: 'deliver', payload: job }])
    const redrive = () => room.line.withBackend(room.backend, () => room.handlers.deliver(job, {}))
    await expect(redrive()).rejects.toThrow('1 of 1 posts')
    room.gateway.intercept = () => undefined
    await redrive()
    await redrive()
    expect(ann.frames().slice(1)).toEqual([ann.frames()[1], ann.frames()[1]])
  })
  test('to a connection that is gone prunes only that row', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect(), await room.connect()]
    await subscribe(ann)
    await subscribe(bob)
    room.gateway.close(ann.connectionId)
    await say(await room.connect(), 'x')
    const { subscribers } = await room.store.readSubscribers(topic, 0)
    expect(subscribers.map(({ connectionId }) => connectionId)).toEqual([bob.connectionId])
    expect(room.invoked).toEqual([])
  })
})

describe('an inline delivery', () => {
  const listeners = async (count: number) => {
    const room = createRoom()
    for (let n = 0; n < count; n++) await subscribe(await room.connect())
    return { room, poster: await room.connect() }
  }
  const receipted = (room: Awaited<ReturnType<typeof listeners>>['room'], offset: number) =>
    room.store.hasReceipts([{ topic, offset }])

  test('posts to a hundred subscribers itself and writes the receipt last', async () => {
    const { room, poster } = await listeners(100)
    await say(poster, 'x')
    expect(room.invoked).toEqual([])
    expect(await receipted(room, 2)).toEqual([true])
  })
  test('to more than a hundred subscribers invokes `deliver`, which reaches them all', async () => {
    const { room, poster } = await listeners(101)
    await say(poster, 'x')
    expect(room.invoked).toEqual([
      { name: 'deliver', payload: { topic, offset: 2, shard: 0, turn: expect.any(String) } },
    ])
    await deliverRest(room)
    const counts = await Promise.all(
      (await room.store.readSubscribers(topic, 0)).subscribers.map(
        ({ connectionId }) => room.gateway.posted(connectionId).length,
      ),
    )
    expect(new Set(counts)).toEqual(new Set([2]))
    expect(counts).toHaveLength(101)
  })
  test('of a topic with several shards invokes `deliver` for each', async () => {
    const { room, poster } = await listeners(1)
    await room.store.growShards(topic, 1, 4)
    await say(poster, 'x')
    expect(room.invoked.map(({ payload }) => (payload as { shard: number }).shard)).toEqual([0, 1, 2, 3])
    expect(await receipted(room, 2)).toEqual([true])
  })
  test('leaves no receipt when `deliver` could not be invoked, so the stream delivers', async () => {
    const { room, poster } = await listeners(101)
    Object.assign(room.backend.invoker ?? {}, { invoke: () => Promise.reject(new Error('throttled')) })
    expect(await say(poster, 'x')).toMatchObject({ result: { type: 'data' } })
    expect(await receipted(room, 2)).toEqual([false])
    expect(room.failures).toEqual(['throttled'])
  })
  test('is not repeated by the stream when it has a receipt, and is repeated after `inline` when it has none', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    await say(await room.connect(), 'receipted')
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    const dead = slotAt(room, 3, { epoch, inline: room.clock.now() + 2_000 }) // its publisher died after the put
    await room.store.putSlot(topic, dead)
    const streamed = room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
    await settle()
    expect(ann.frames()).toHaveLength(2)
    await room.clock.advance(2_000)
    await streamed
    expect((ann.frames() as { result: { id?: string } }[]).map(({ result }) => result.id?.split(':')[1])).toEqual([
      undefined,
      '2',
      '3',
    ])
  })
  test('is not done by a script: its event has no `inline`, and the stream delivers it at once [TL-ROW-5]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    await publish(room, 'x')
    const slots = await slotsOf(room)
    expect(slots[1]).not.toHaveProperty('inline')
    await room.stream(slots.map((slot) => ({ topic, slot })))
    expect(ann.frames()).toHaveLength(2)
  })
})
