import { describe, expect, test, vi } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { CountName } from '../../ports/connections.ts'
import type { Store } from '../../ports/store.ts'
import { createRoom, publish, type Room, say, stop, subscribe } from './room.suite.ts'

const subscription = (id: unknown, { path = 'live', ref = 1, room = 'x', ...rest }: Record<string, unknown> = {}) => ({
  id,
  method: 'subscription',
  params: { path, input: { room }, ref, ...rest },
})
const stopOf = (id: unknown, ref = 1) => ({ id, method: 'subscription.stop', params: { ref } })
const refused = (id: unknown) => ({
  id,
  error: { message: expect.stringContaining('maxSubscriptions') },
  line: { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 3_000, mayHaveRun: true },
})

/** The frames that a message leads to. */
async function sends(client: TestClient, message: unknown): Promise<readonly unknown[]> {
  const before = client.frames().length
  const returned = await client.send(message)
  return [...client.frames().slice(before), ...(returned === undefined ? [] : [returned].flat())]
}

let marks = 0
async function countOf({ store }: Pick<Room, 'store'>, { connectionId }: TestClient, name: CountName): Promise<number> {
  const nothing = { name, add: 0, max: 0, mark: `read ${marks++}`, expires: 9_000_000_000 }
  return (await store.addToCount(connectionId, nothing)).count
}

/** The counted subscriptions, which must be as many as the rows that are on. */
async function live(room: Room, client: TestClient): Promise<number> {
  const rows = await room.store.readSubscriptions(client.connectionId)
  const count = await countOf(room, client, 'subscriptions')
  expect(count).toBe(rows.filter(({ on, topic }) => on && topic !== undefined).length)
  return count
}

function spyOn(store: Store, name: 'addToCount' | 'stopSubscription') {
  const spy = vi.spyOn(store, name)
  return () => spy.mock.calls.length
}

describe('the live subscriptions of a connection', () => {
  test('are at most maxSubscriptions, and one more is refused and writes no row [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 2 })
    const client = await room.connect()
    for (const id of [1, 2]) await client.send(subscription(id))
    expect(await sends(client, subscription(3))).toMatchObject([refused(3)])
    expect(await sends(client, subscription(4, { path: 'loud' }))).toMatchObject([refused(4)])
    expect(await live(room, client)).toBe(2)
    expect((await room.store.readSubscriptions(client.connectionId)).map(({ id }) => id)).toEqual(['1', '2'])
    const other = await room.connect()
    await other.send(subscription(3))
    expect(await live(room, other)).toBe(1)
  })
  test('are refused to a stock client as too many requests [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 1 })
    const client = await room.connect({ stock: true })
    await client.send(subscription(1))
    const error = { data: { code: 'TOO_MANY_REQUESTS' } }
    expect(await sends(client, subscription(2))).toMatchObject([{ id: 2, error }])
  })
  test('are 2,000 unless set [TL-SUB-17]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const change = { name: 'subscriptions', add: 1_999, max: 2_000, mark: 'm', expires: 9_000_000_000 } as const
    await room.store.addToCount(client.connectionId, change)
    const frames = await sends(client, [subscription(1), subscription(2)])
    expect(frames).toContainEqual(expect.objectContaining({ id: 1, result: expect.anything() }))
    expect(frames).toContainEqual(expect.objectContaining({ id: 2, error: expect.anything() }))
  })
  test('of an array are as many as there is room for, and the rest is refused [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 7 })
    const client = await room.connect()
    const ids = Array.from({ length: 20 }, (_, id) => id)
    const frames = await sends(
      client,
      ids.map((id) => subscription(id)),
    )
    expect(frames.filter((frame) => 'line' in Object(frame))).toHaveLength(13)
    expect(await live(room, client)).toBe(7)
  })
  test('of an array are counted by a write for each eight', async () => {
    const room = createRoom()
    const client = await room.connect()
    const writes = spyOn(room.store, 'addToCount')
    await client.send(Array.from({ length: 100 }, (_, id) => subscription(id)))
    expect(writes()).toBe(13)
    expect(await live(room, client)).toBe(100)
  })
  test('are counted once, whether their frame comes again, resumes, or has a higher ref [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 3 })
    const client = await room.connect()
    const { id } = await publish(room, 'x')
    for (let times = 0; times < 3; times++) await client.send(subscription(1))
    for (let ref = 2; ref < 6; ref++) await client.send(subscription(1, { ref, lastEventId: id }))
    await client.send([subscription(1, { ref: 6 }), subscription(1, { ref: 6 }), subscription(1, { ref: 7 })])
    await client.send(subscription(1, { ref: 2 })) // out of date
    expect(await live(room, client)).toBe(1)
  })
  test('are counted once at the bound too, and may resume there [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 1 })
    const client = await room.connect()
    await client.send(subscription(1))
    expect(await sends(client, subscription(1))).toMatchObject([{ id: 1, result: { type: 'started' } }])
    expect(await sends(client, subscription(1, { ref: 2 }))).toMatchObject([{ id: 1, result: { ref: 2 } }])
    expect(await sends(client, subscription(2))).toMatchObject([refused(2)])
    expect(await live(room, client)).toBe(1)
  })
  test('free their places when they are stopped, each once [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 2 })
    const client = await room.connect()
    for (const id of [1, 2]) await client.send(subscription(id))
    for (let times = 0; times < 3; times++) await client.send(stopOf(1))
    expect(await live(room, client)).toBe(1)
    expect(await sends(client, subscription(3))).toMatchObject([{ id: 3, result: { type: 'started' } }])
    expect(await sends(client, subscription(4))).toMatchObject([refused(4)])
    await client.send(stopOf(3))
    expect(await sends(client, subscription(1, { ref: 2 }))).toMatchObject([{ id: 1, result: { type: 'started' } }])
    expect(await live(room, client)).toBe(2)
  })
  test('pass their places on within an array [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 3 })
    const client = await room.connect()
    await client.send([1, 2, 3].map((id) => subscription(id)))
    const stopped = await sends(client, [stopOf(1), stopOf(2), stopOf(3)])
    expect(stopped).toHaveLength(3)
    expect(await live(room, client)).toBe(0)
    await client.send([4, 5, 6].map((id) => subscription(id)))
    expect(await live(room, client)).toBe(3)
  })
  test('are free before their stop is answered [TL-SUB-17]', async () => {
    const room = createRoom({ maxSubscriptions: 1 })
    const client = await room.connect()
    await client.send(subscription(1))
    let next: Promise<unknown> | undefined
    room.gateway.intercept = async (_, text) => {
      if (text.includes('"stopped"')) next = client.send(subscription(2))
      return undefined
    }
    await client.send([stopOf(1), { id: 'q', method: 'query', params: { path: 'whoami' } }])
    await (next ?? client.send(subscription(2)))
    expect(client.frames()).toContainEqual(expect.objectContaining({ id: 2, result: expect.anything() }))
  })
  test('are not counted for a subscribe that comes after its stop [TL-STOP-2]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await stop(client)
    await subscribe(client)
    expect(await live(room, client)).toBe(0)
    await subscribe(client, 2)
    expect(await live(room, client)).toBe(1)
  })
  test('are not counted for a subscribe that fails, before or after its rows are written', async () => {
    const room = createRoom({
      createContext: () => ({
        load: () => {
          throw new Error('no state')
        },
      }),
    })
    const client = await room.connect()
    await client.send(subscription(1, { room: 5 }))
    await client.send(subscription(2, { path: 'nothing' }))
    expect(await live(room, client)).toBe(0)
    expect(await sends(client, subscription(3, { path: 'page' }))).toMatchObject([{ id: 3, error: expect.anything() }])
    expect(await live(room, client)).toBe(0)
    await say(client, 'nobody is sent this')
    expect(client.frames()).toHaveLength(3)
  })
  test('are not counted any more when another topic ends them [TL-SUB-14]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(subscription(1))
    await client.send(subscription(1, { room: 'y', ref: 2 }))
    expect(await live(room, client)).toBe(0)
  })
  test('are counted for a connection that is closed meanwhile, without an effect on another', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(subscription(1))
    await client.disconnect()
    await client.send(subscription(2))
    await client.send(stopOf(1))
    expect(client.frames()).toHaveLength(1)
  })
  test('give back at the deadline what the procedures did not come to use', async () => {
    let runs = 0
    const room = createRoom({
      createContext: async () => {
        runs += 1
        if (runs > 1) await new Promise(() => {})
        return {}
      },
    })
    const client = await room.connect()
    const sent = client.send(Array.from({ length: 10 }, (_, id) => subscription(id)))
    for (let n = 0; n < 60; n++) await room.clock.advance(500)
    await sent
    expect(await live(room, client)).toBe(1)
  })
  test('cost a refused array one write, and a read for each element', async () => {
    const room = createRoom({ maxSubscriptions: 1 })
    const client = await room.connect()
    await client.send(subscription('a'))
    const writes = spyOn(room.store, 'addToCount')
    await client.send(Array.from({ length: 100 }, (_, id) => subscription(id)))
    expect(writes()).toBe(1)
  })
})

describe('stops of unknown ids', () => {
  const ids = Array.from({ length: 100 }, (_, id) => id)
  const tooMany = (id: unknown) => ({
    id,
    error: { message: expect.stringContaining('at most 100 stops and cancels of unknown ids') },
    line: { code: 'RATE_LIMITED', retry: 'never' },
  })
  const rowsOf = async (room: Room, { connectionId }: TestClient) => room.store.readSubscriptions(connectionId)

  test('are answered with `stopped` a hundred times on a connection, then refused and not stored [TL-STOP-5]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const answers = await sends(
      client,
      ids.map((id) => stopOf(id)),
    )
    expect(answers).toEqual(ids.map((id) => ({ id, result: { type: 'stopped' } })))
    expect(await sends(client, stopOf('more'))).toMatchObject([tooMany('more')])
    expect(await rowsOf(room, client)).toHaveLength(100)
    const other = await room.connect()
    expect(await sends(other, stopOf('more'))).toEqual([{ id: 'more', result: { type: 'stopped' } }])
  })
  test('are counted once for each id, and those of known ids not at all [TL-STOP-5]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(subscription('a'))
    for (let ref = 1; ref < 4; ref++) await client.send([stopOf('b', ref), stopOf('a', ref)])
    expect(await countOf(room, client, 'unknownStops')).toBe(1)
  })
  test('leave those of known ids as they are when there were too many [TL-STOP-1]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(subscription('a'))
    await client.send(ids.map((id) => stopOf(id)))
    const [none] = await sends(client, stopOf('more'))
    expect(none).toMatchObject(tooMany('more'))
    for (let times = 0; times < 2; times++)
      expect(await sends(client, stopOf('a'))).toEqual([{ id: 'a', result: { type: 'stopped' } }])
    expect(await sends(client, stopOf(5))).toEqual([{ id: 5, result: { type: 'stopped' } }])
    expect(await live(room, client)).toBe(0)
  })
  test('of a stock client stay unanswered, and are not stored beyond the bound [TL-STOP-5]', async () => {
    const room = createRoom()
    const client = await room.connect({ stock: true })
    expect(await sends(client, [...ids.map((id) => stopOf(id))])).toEqual([])
    expect(await sends(client, stopOf('more'))).toEqual([])
    const both = [subscription('s'), stopOf('s')]
    expect(await sends(client, both)).toEqual([{ id: 's', result: { type: 'stopped' } }])
    expect(await rowsOf(room, client)).toHaveLength(100)
  })
  test('cost a write for each, and two for the count of all that come together', async () => {
    const room = createRoom()
    const client = await room.connect()
    const [counts, writes] = [spyOn(room.store, 'addToCount'), spyOn(room.store, 'stopSubscription')]
    await client.send(ids.map((id) => stopOf(id)))
    expect([counts(), writes()]).toEqual([2, 200])
    await client.send(ids.map((id) => stopOf(`b${id}`)))
    expect([counts(), writes()]).toEqual([3, 300])
  })
  test('and cancels of unknown calls are counted together [TL-STOP-5]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const cancels = ids.map((id) => ({ id, method: 'cancel' }))
    expect(await sends(client, cancels)).toEqual([])
    expect(await sends(client, { id: 'c', method: 'cancel' })).toMatchObject([tooMany('c')])
    expect(await sends(client, { id: 'c', method: 'cancel', params: { key: 'own.k' } })).toMatchObject([tooMany('c')])
    expect(await sends(client, stopOf('s'))).toMatchObject([tooMany('s')])
    expect(await sends(client, { id: 5, method: 'cancel' })).toEqual([])
    expect(await rowsOf(room, client)).toHaveLength(100)
  })
  test('beyond the bound leave the cancel of a keyed call that runs [TL-LONG-4]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send(ids.map((id) => stopOf(id)))
    const { claimKey } = room.store
    const claims = vi.spyOn(room.store, 'claimKey')
    const key = 'own.k'
    await client.send({ id: 1, method: 'mutation', params: { path: 'pay', input: { room: 'x', text: 'x' }, key } })
    const [claim] = claims.mock.calls[0] ?? []
    if (claim === undefined) throw new Error('Expected a claim, got none.')
    const cancel = { id: 1, method: 'cancel', params: { key } }
    expect(await sends(client, cancel)).toMatchObject([tooMany(1)]) // it has ended
    await claimKey({ ...claim, key: `${claim.key}2` })
    const running = vi.spyOn(room.store, 'readKey').mockResolvedValue({ ...claim, state: 'RUNNING', bases: {} })
    expect(await sends(client, cancel)).toEqual([])
    expect(running).toHaveBeenCalledTimes(1)
  })
})
