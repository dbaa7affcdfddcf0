import { describe, expect, test } from 'vitest'
import { settle, type TestClient } from '../../lambda/test-line.suite.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import {
  createRoom,
  publish,
  type Room,
  say,
  slotAt,
  subscribe,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'

const cursor = (offset: number) => `0.e1:${offset}`

interface Frame {
  readonly result?: { readonly type: string; readonly id?: string; readonly gap?: string; readonly from?: string }
  readonly error?: { readonly data: { readonly code: string } }
}

const framesOf = (client: TestClient) => client.frames() as readonly Frame[]
/** Offsets of the events that a client was sent. */
const offsetsOf = (client: TestClient) =>
  framesOf(client).flatMap(({ result }) => (result?.type === 'data' ? [Number(result.id?.split(':')[1])] : []))

/** A room whose log has these offsets; one in `empty` holds no event. */
async function roomOf(
  offsets: readonly number[],
  { empty = [], store }: { empty?: number[]; store?: (s: Store) => Store } = {},
) {
  const room = createRoom(store === undefined ? {} : { store })
  for (const offset of offsets) await room.store.putSlot(topic, slotOf(room, offset, empty.includes(offset)))
  return room
}

function slotOf(room: Room, offset: number, isEmpty: boolean): Slot {
  const { data: _, ...slot } = slotAt(room, offset)
  return isEmpty ? slot : slotAt(room, offset)
}

const replayed = (client: TestClient, params: object = {}) =>
  client.send({ id: 7, method: 'subscription', params: { path: 'replayed', input: { room: 'x' }, ...params } })

describe('a log with a deleted row', () => {
  test.each([true, false])('shows a fresh subscription what is older, without the row (stock: %j)', async (stock) => {
    const room = await roomOf([1, 2, 3, 5, 6])
    const client = await room.connect({ stock })
    await replayed(client, stock ? {} : { ref: 1 })
    expect(offsetsOf(client)).toEqual([1, 2, 3, 5, 6])
    expect(framesOf(client).filter(({ result, error }) => error || result?.gap)).toEqual([])
  })
  test('covers the deleted row by `prev` [TL-SUB-5]', async () => {
    const client = await (await roomOf([1, 3])).connect()
    await replayed(client, { ref: 1 })
    expect(framesOf(client).at(-1)).toMatchObject({ result: { id: cursor(3), prev: 1 } })
  })
  test('is read past the row, forward and backward', async () => {
    const room = await roomOf([1, 2, 3, 5, 6])
    const read = (options: object) => room.asScript(() => room.events.read({ room: 'x' }, options))
    expect((await read({})).events.map(({ data }) => data.text)).toEqual(['1', '2', '3', '5', '6'])
    expect((await read({ limit: 2, before: cursor(6) })).events.map(({ data }) => data.text)).toEqual(['3', '5'])
    expect((await read({ after: cursor(2) })).events.map(({ data }) => data.text)).toEqual(['3', '5', '6'])
  })
  test.each([1, 3])('is a gap to a resume from %d before it, which goes on at the head [TL-SUB-3]', async (from) => {
    const room = await roomOf([1, 2, 3, 5, 6])
    const client = await room.connect()
    await subscribe(client, 1, { lastEventId: cursor(from) })
    expect(framesOf(client)).toMatchObject([{ result: { type: 'started', from: cursor(6), gap: 'expired' } }])
  })
  test('is whole for a resume from after the row [TL-SUB-3]', async () => {
    const client = await (await roomOf([1, 2, 3, 5, 6])).connect()
    await subscribe(client, 1, { lastEventId: cursor(5) })
    expect(offsetsOf(client)).toEqual([6])
  })
  test('is a gap for a stock client that resumes from before the row [TL-STOCK-6]', async () => {
    const client = await (await roomOf([1, 2, 3, 5, 6])).connect({ stock: true })
    await subscribe(client, 1, { lastEventId: cursor(2) })
    expect(framesOf(client).at(-1)).toMatchObject({ error: { data: { code: 'PRECONDITION_FAILED' } } })
  })
  test('is a gap for a sync of a client that lost a push before the row [TL-SYNC-4]', async () => {
    const room = await roomOf([1, 2, 3, 5, 6])
    const client = await room.connect()
    await subscribe(client)
    const subscriptions = [{ id: 7, ref: 1, from: cursor(2) }]
    const answer = await client.send({ id: 's', method: 'sync', params: { subscriptions } })
    expect(answer).toMatchObject([{ result: { type: 'synced', head: cursor(6), gap: 'expired' } }, {}])
  })
  test('is a gap for an iteration that is behind the row', async () => {
    const room = await roomOf([1, 2, 3])
    const next = room
      .asScript(() => room.events.subscribe({ room: 'x' }, { lastEventId: cursor(2) }))
      [Symbol.asyncIterator]()
    expect((await next.next()).value?.[1]).toEqual({ text: '3' })
    for (const offset of [5, 6]) await room.store.putSlot(topic, slotAt(room, offset))
    const failed = next.next().catch((error: unknown) => error)
    await settle()
    await room.clock.advance(2_000)
    expect(await failed).toMatchObject({ line: 'GAP' })
  })
  test('accepts no repeated publish in place of the row', async () => {
    const room = await roomOf([1, 2])
    const once = (text: string) =>
      room.asScript(() => room.events.publish({ room: 'x' }, { text }, { idempotencyKey: 'k' }))
    const holes = (store: Store): Store =>
      withOperations(store, () => ({ putSlot: () => Promise.reject(new Error('lost')) }))
    await expect(
      room.line.withBackend({ ...room.backend, store: holes(room.store) }, () =>
        room.events.publish({ room: 'x' }, { text: 'once' }, { idempotencyKey: 'k' }),
      ),
    ).rejects.toThrow('lost')
    for (const offset of [3, 5]) await room.store.putSlot(topic, slotAt(room, offset))
    await expect(once('once')).rejects.toMatchObject({ line: 'KEY_EXPIRED' })
    expect((await room.store.readSlots(topic, 3, 9)).slots.map(({ offset }) => offset)).toEqual([5])
  })
})

describe('a slot that a page misses', () => {
  /** The first page that holds it leaves it out, as a read does that passed its place before it was put. */
  function late(offset: number) {
    let isLate = true
    return (store: Store) =>
      withOperations(store, ({ readSlots }) => ({
        readSlots: async (...args) => {
          const page = await readSlots(...args)
          const hidden = isLate && page.slots.some((slot) => slot.offset === offset)
          isLate &&= !hidden
          return hidden ? { ...page, slots: page.slots.filter((slot) => slot.offset !== offset) } : page
        },
      }))
  }
  test('ends a resume before it without a gap, since it arrives as a push [TL-SUB-3]', async () => {
    const room = await roomOf([1, 2, 3, 4, 5], { store: late(4) })
    const client = await room.connect()
    await subscribe(client, 1, { lastEventId: cursor(1) })
    expect(framesOf(client)[0]).toMatchObject({ result: { from: cursor(1), head: cursor(3) } })
    expect(framesOf(client)[0]?.result?.gap).toBeUndefined()
    expect(offsetsOf(client)).toEqual([2, 3])
  })
})

describe('an event that is erased', () => {
  const erase = (room: Room, offset: number | string) => room.asScript(() => room.events.erase({ room: 'x' }, offset))

  test('leaves its slot without data, and other events unchanged [TL-ROW-6]', async () => {
    const room = await roomOf([1, 2, 3])
    const before = (await room.store.readSlots(topic, 0, 9)).slots
    expect(await erase(room, 2)).toBe('erased')
    const { data: _, ...rest } = before[1] as Slot
    expect((await room.store.readSlots(topic, 0, 9)).slots).toEqual([
      before[0],
      { ...rest, erased: room.clock.now() },
      before[2],
    ])
  })
  test('is erased again with the same result, and an unknown event is absent', async () => {
    const room = await roomOf([1, 2, 3], { empty: [1] })
    expect([await erase(room, 2), await erase(room, 2)]).toEqual(['erased', 'erased'])
    expect([await erase(room, 1), await erase(room, 4)]).toEqual(['absent', 'absent'])
    expect((await room.store.readSlots(topic, 3, 9)).slots).toEqual([])
  })
  test('is named by the id that subscribers got, in its own epoch only', async () => {
    const room = await roomOf([1, 2, 3])
    expect(await erase(room, '0.e2:2')).toBe('absent')
    expect(await erase(room, '1.e1:2')).toBe('absent')
    expect(await erase(room, '0.e1:9')).toBe('absent')
    expect((await room.store.readSlots(topic, 1, 1)).slots[0]?.data).toBe('{"text":"2"}')
    expect(await erase(room, '0.e1:2')).toBe('erased')
  })
  test.each([0, -1, 1.5, Number.NaN, 2 ** 53, '', 'x', '0.e1:0'])('is not named by %j', async (offset) => {
    await expect(erase(await roomOf([1]), offset)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
  test('of an invalid key is rejected', async () => {
    const room = await roomOf([1])
    const erased = room.asScript(() => room.events.erase({ room: 7 as unknown as string }, 1))
    await expect(erased).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
  test.each([true, false])('is passed over by a replay, which counts events (stock: %j)', async (stock) => {
    const room = await roomOf([1, 2, 3, 4])
    await erase(room, 3)
    const client = await room.connect({ stock })
    await replayed(client, stock ? {} : { ref: 1 })
    expect(offsetsOf(client)).toEqual([1, 2, 4])
    const two = room.asScript(() => room.events.subscribe({ room: 'x' }, { replay: 2 }))[Symbol.asyncIterator]()
    expect([(await two.next()).value?.[1], (await two.next()).value?.[1]]).toEqual([{ text: '2' }, { text: '4' }])
    await two.return?.()
  })
  test.each([true, false])('is skipped by a resume without a gap (stock: %j) [TL-SUB-3] [TL-ROW-6]', async (stock) => {
    const room = await roomOf([1, 2, 3, 4, 5])
    for (const offset of [2, 3, 5]) await erase(room, offset)
    const client = await room.connect({ stock })
    await subscribe(client, 1, { lastEventId: cursor(1) })
    expect(offsetsOf(client)).toEqual([4])
    expect(framesOf(client).filter(({ result, error }) => error || result?.gap)).toEqual([])
  })
  test('is skipped by a resume from itself [TL-SUB-3]', async () => {
    const room = await roomOf([1, 2, 3])
    await erase(room, 2)
    const client = await room.connect()
    await subscribe(client, 1, { lastEventId: cursor(2) })
    expect(offsetsOf(client)).toEqual([3])
  })
  test('is skipped by a sync, whose position moves to the head', async () => {
    const room = await roomOf([1, 2, 3])
    const client = await room.connect()
    await subscribe(client)
    for (const offset of [2, 3]) await erase(room, offset)
    const subscriptions = [{ id: 7, ref: 1, from: cursor(1) }]
    expect(await client.send({ id: 's', method: 'sync', params: { subscriptions } })).toMatchObject([
      { result: { type: 'synced', from: cursor(1), head: cursor(3) } },
      { result: { type: 'advance', id: cursor(3), prev: 1 } },
      {},
    ])
  })
  test('is skipped by `read` in both directions, and hides no older event', async () => {
    const room = await roomOf([1, 2, 3, 4, 5])
    for (const offset of [2, 4]) await erase(room, offset)
    const read = async (options: object) => {
      const page = await room.asScript(() => room.events.read({ room: 'x' }, options))
      return page.events.map(({ data }) => data.text)
    }
    expect(await read({})).toEqual(['1', '3', '5'])
    expect(await read({ limit: 2 })).toEqual(['3', '5'])
    expect(await read({ limit: 2, before: cursor(5) })).toEqual(['1', '3'])
    expect(await read({ limit: 2, after: cursor(1) })).toEqual(['3', '5'])
  })
  test('matches no filter, and the next event covers it [TL-SUB-5]', async () => {
    const room = createRoom()
    const [ann, poster] = [await room.connect(), await room.connect()]
    await ann.send({ id: 7, method: 'subscription', params: { path: 'loud', input: { room: 'x' }, ref: 1 } })
    const head = (await room.store.readSlotsBefore(topic, undefined, 1)).slots[0]?.offset ?? 0
    await say(poster, 'ONE')
    const { id } = await publish(room, 'TWO')
    expect(await erase(room, id)).toBe('erased')
    await say(poster, 'THREE')
    expect(framesOf(ann).at(-1)).toMatchObject({ result: { data: { data: { text: 'THREE' } }, prev: head + 1 } })
  })
  test.each([true, false])('is not delivered by a job that comes after (stock: %j)', async (stock) => {
    const room = createRoom()
    const ann = await room.connect({ stock })
    await subscribe(ann)
    const first = await publish(room, 'first')
    await publish(room, 'second')
    await erase(room, first.id)
    const offset = Number(first.id.split(':')[1])
    const job = { topic, offset, through: offset + 1 }
    await room.line.withBackend(room.backend, () => room.handlers.deliver(job, {}))
    expect(JSON.stringify(ann.frames())).not.toContain('first')
    expect(JSON.stringify(ann.frames())).toContain('second')
  })
  test('is not published again by a repeat of its publish', async () => {
    const room = createRoom()
    const once = () => room.asScript(() => room.events.publish({ room: 'x' }, { text: 'a' }, { idempotencyKey: 'k' }))
    const { id } = await once()
    await publish(room, 'b')
    await erase(room, id)
    expect(await once()).toEqual({ id })
    const { events } = await room.asScript(() => room.events.read({ room: 'x' }))
    expect(events.map(({ data }) => data.text)).toEqual(['b'])
  })
  test('lets the log continue after it, even if it was the newest', async () => {
    const room = createRoom()
    await publish(room, 'a')
    const { id } = await publish(room, 'b')
    await erase(room, id)
    const next = await publish(room, 'c')
    expect(next.id).toBe(id.replace(/\d+$/, (offset) => String(Number(offset) + 1)))
  })
  test('sends nothing to subscribers that got it', async () => {
    const room = createRoom()
    const ann = await room.connect()
    await subscribe(ann)
    await say(await room.connect(), 'a')
    const before = ann.frames().length
    await erase(room, 2)
    await room.clock.advance(10_000)
    expect(ann.frames()).toHaveLength(before)
  })
})
