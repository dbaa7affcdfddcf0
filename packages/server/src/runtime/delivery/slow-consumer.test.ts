import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../../lambda/test-line.suite.ts'
import { createRoom, publish, type Room, say, slotAt, slotsOf, subscribe, topic } from '../subscriptions/room.suite.ts'
import { createModelClient } from './model-client.suite.ts'

/** Ann takes nothing for now; Bob does. */
async function slowRoom() {
  const room = createRoom()
  const [ann, bob, poster] = [await room.connect(), await room.connect(), await room.connect()]
  await subscribe(ann)
  await subscribe(bob)
  const tried: string[] = []
  let slow = true
  room.gateway.intercept = (id) => {
    if (id === ann.connectionId) tried.push(id)
    return id === ann.connectionId && slow ? { status: 'throttled' } : undefined
  }
  const post = async (text: string) => {
    const said = say(poster, text)
    for (let ms = 0; ms < 3_000; ms += 250) {
      await settle()
      await room.clock.advance(250)
    }
    return said
  }
  return { room, ann, bob, tried, post, recover: () => (slow = false) }
}

const retry = (room: Room, payload: unknown) =>
  room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))

/** Hands over what was delayed, as SQS does. */
function byQueue(room: Room): Promise<unknown> {
  const Records = room.delayed.map(({ payload }, n) => ({
    messageId: `m${n}`,
    eventSource: 'aws:sqs',
    body: JSON.stringify(payload),
  }))
  return room.line.withBackend(room.backend, () => room.handlers.deliver({ Records }, {}))
}

async function seenBy(client: TestClient) {
  const model = createModelClient()
  model.take(client.frames())
  const fetch = async () =>
    (await client.send({
      id: 's',
      method: 'sync',
      params: { subscriptions: [{ id: 7, ref: 1, from: model.cursor() }] },
    })) as unknown[]
  return { model, fetch }
}

describe('a slow consumer', () => {
  test('gets no further posts after two that were given up, and delays no other [TL-PUSH-2]', async () => {
    const { room, bob, tried, post } = await slowRoom()
    await post('a')
    await post('b')
    const before = tried.length
    const said = say(await room.connect(), 'c')
    await settle()
    await said // no clock was moved
    expect(tried).toHaveLength(before)
    expect(bob.frames()).toHaveLength(4)
  })
  test('has its rows retried once per pause and not for each event [TL-PUSH-2]', async () => {
    const { room, ann, post } = await slowRoom()
    for (const text of ['a', 'b']) await post(text)
    const poster = await room.connect()
    for (const text of ['c', 'd', 'e']) await say(poster, text)
    const to = [{ shard: 0, connectionId: ann.connectionId, id: '7' }]
    expect(room.invoked.map(({ payload }) => payload)).toEqual([{ topic, offset: 2, to }])
    expect(room.delayed.map(({ payload }) => payload)).toEqual([{ topic, offset: 3, to }])
    for (const { delayMs } of room.delayed) expect(delayMs).toBeGreaterThan(1_000) // of a first pause
  })
  test('gets the events it missed from the retry, in one message [TL-PUSH-2]', async () => {
    const { room, ann, post, recover } = await slowRoom()
    for (const text of ['a', 'b', 'c']) await post(text)
    recover()
    await room.clock.advance(60_000)
    await retry(room, room.invoked[0]?.payload)
    const { model } = await seenBy(ann)
    expect(model.seen).toEqual([2, 3, 4])
    expect(room.gateway.posted(ann.connectionId)).toHaveLength(2) // `started`, and all of them
  })
  test('gets the events it missed from the delay queue after its pause [TL-PUSH-2]', async () => {
    const { room, ann, post, recover } = await slowRoom()
    for (const text of ['a', 'b', 'c']) await post(text)
    recover()
    await room.clock.advance(60_000)
    expect(await byQueue(room)).toEqual({ batchItemFailures: [] })
    const { model } = await seenBy(ann)
    expect(model.behind()).toBe(true) // event a has a retry of its own, which went out at once
    await retry(room, room.invoked[0]?.payload)
    model.take(ann.frames())
    expect([model.seen, room.invoked.length]).toEqual([[2, 3, 4], 1])
  })
  test('that is still slow after its pause is retried by the function and not by the queue', async () => {
    const { room, post } = await slowRoom()
    for (const text of ['a', 'b']) await post(text)
    const [delayed] = room.delayed
    expect(await byQueue(room)).toEqual({ batchItemFailures: [] })
    expect(room.invoked.at(-1)?.payload).toEqual(delayed?.payload)
  })
  test('loses nothing when every retry fails: the next event says what it does not cover, and the client fetches [TL-PUSH-2]', async () => {
    const { room, ann, post, recover } = await slowRoom()
    for (const text of ['a', 'b', 'c', 'd']) await post(text)
    recover()
    await room.clock.advance(60_000)
    await post('e')
    const { model, fetch } = await seenBy(ann)
    expect([model.seen, model.behind()]).toEqual([[], true])
    model.take(await fetch())
    expect(model.seen).toEqual([2, 3, 4, 5, 6])
  })
  test('gets the newest event when the missed events exceed one message, and fetches the rest [TL-PUSH-2]', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    const epoch = (await slotsOf(room))[0]?.epoch ?? ''
    for (let n = 2; n <= 150; n++) await room.store.putSlot(topic, slotAt(room, n, { epoch }))
    await retry(room, { topic, offset: 2, to: [{ shard: 0, connectionId: ann.connectionId, id: '7' }] })
    const { model, fetch } = await seenBy(ann)
    expect([model.seen.length, model.behind()]).toEqual([100, true])
    model.take(await fetch())
    expect(model.seen).toHaveLength(149)
  })
  test('makes a retry fail while it is slow, and the platform repeats the retry', async () => {
    const { room, post } = await slowRoom()
    for (const text of ['a', 'b']) await post(text)
    await expect(retry(room, room.invoked[0]?.payload)).rejects.toThrow('1 of 1 posts')
  })
})

describe('an account that throttles', () => {
  test('does not open the breakers of refused connections: the next event is posted', async () => {
    const room = createRoom()
    const [ann, bob, poster] = [await room.connect(), await room.connect(), await room.connect()]
    for (const each of [ann, bob]) await subscribe(each)
    let throttles = true
    room.gateway.intercept = (id) => (id !== poster.connectionId && throttles ? { status: 'throttled' } : undefined)
    for (const text of ['a', 'b']) {
      const said = say(poster, text)
      for (let ms = 0; ms < 3_000; ms += 250) {
        await settle()
        await room.clock.advance(250)
      }
      await said
    }
    throttles = false
    await say(poster, 'c')
    expect([ann, bob].map((each) => each.frames().length)).toEqual([2, 2]) // `started`, and the event
  })
  test('slows the function’s posts, and all events arrive', async () => {
    const room = createRoom()
    const listeners = await Promise.all(Array.from({ length: 20 }, () => room.connect()))
    for (const each of listeners) await subscribe(each)
    await publish(room, 'x')
    const times: number[] = []
    let refusals = 40
    room.gateway.intercept = () => {
      times.push(room.clock.now())
      return refusals-- > 0 ? { status: 'throttled' } : undefined
    }
    const streamed = room.stream((await slotsOf(room)).map((slot) => ({ topic, slot })))
    for (let n = 0; n < 200; n++) {
      await settle()
      await room.clock.advance(25)
    }
    await streamed
    expect(listeners.map((each) => each.frames().length)).toEqual(listeners.map(() => 2))
    expect(room.invoked).toEqual([])
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(25)
  })
})
