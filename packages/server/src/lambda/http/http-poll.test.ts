// More than 200 lines: the life of a polled subscription, from its first frame to its stop, is one subject.
import { describe, expect, test } from 'vitest'
import type { Slot } from '../../ports/log.ts'
import { type AnswerOf, type HttpClient, openHttp } from './http-client.suite.ts'
import { openWorld, publish, subscribeFrame, topic } from './http-world.suite.ts'

const end = (answers: readonly AnswerOf[]) => answers.at(-1)?.result?.['data'] as Record<string, unknown>
/** The texts of the events for a subscription. */
const textsOf = (answers: readonly AnswerOf[], of: string | number = 's1') =>
  answers
    .filter(({ id, result }) => id === of && result?.['type'] === 'data')
    .map(({ result }) => result?.['data'] as { readonly data: { readonly text: string } })
    .map(({ data }) => data.text)
const cursorOf = (started: AnswerOf | undefined, name: 'from' | 'head' = 'head') => String(started?.result?.[name])

/** A client that follows as ours does: it subscribes, polls from its position, and repeats what a poll answered. */
function follow(client: HttpClient) {
  const positions = new Map<string | number, { ref: number; from: string }>()
  let state: unknown = true
  const note = (answers: readonly AnswerOf[]) => {
    for (const { id, result } of answers) {
      const position = positions.get(id as string)
      const at = result?.['type'] === 'started' || result?.['gap'] !== undefined ? result['from'] : result?.['id']
      if (position !== undefined && at !== undefined) position.from = String(at)
    }
    return answers
  }
  return {
    position: (id: string | number = 's1') => positions.get(id)?.from,
    async subscribe(path: string, id: string | number = 's1', params: object = {}) {
      positions.set(id, { ref: 1, from: '' })
      return note(await client.send(subscribeFrame(id, path, params)))
    },
    async poll(poll: unknown = state) {
      const subscriptions = [...positions].map(([id, position]) => ({ id, ...position }))
      const answers = note(await client.send({ id: 'y', method: 'sync', params: { poll, subscriptions } }))
      const { nextMs, verified } = end(answers) as { readonly nextMs?: number; readonly verified?: number }
      state = { nextMs, verified }
      return answers
    },
  }
}

async function following(path = 'live', token?: string) {
  const world = openWorld()
  const client = await openHttp(world, token === undefined ? {} : { token })
  const follower = follow(client)
  const started = await follower.subscribe(path)
  return { world, client, follower, started }
}

describe('A subscription over HTTP', () => {
  test('has no row under its topic: its connection has what a poll needs [TL-HTTP-8]', async () => {
    const { world, client, started } = await following('mine', 'ann/a')
    expect(started).toMatchObject([{ id: 's1', result: { type: 'started', ref: 1 } }])
    expect(await world.store.readSubscriptions(client.connectionId)).toEqual([
      {
        ...{ connectionId: client.connectionId, id: '"s1"', ref: 1, on: true, topic, shard: 0 },
        polled: { path: 'mine', input: '{"room":"x"}', piped: true },
        expires: 1_800_007_800,
      },
    ])
    expect((await world.store.readSubscribers(topic, 0)).subscribers).toEqual([])
  })
  test('holds its input only where a filter or map needs it, and until its stop [TL-LIM-7]', async () => {
    const { world, client } = await following('live')
    const polledOf = async () => (await world.store.readSubscriptions(client.connectionId))[0]?.polled
    expect(await polledOf()).toEqual({ path: 'live' })
    expect(await client.send({ id: 's1', method: 'subscription.stop', params: { ref: 1 } })).toEqual([
      { id: 's1', result: { type: 'stopped' } },
    ])
    expect(await polledOf()).toBeUndefined()
  })
  test('refuses a stored input beyond 4 KB [TL-LIM-7]', async () => {
    const world = openWorld()
    const client = await openHttp(world)
    const input = { room: 'x', pad: 'x'.repeat(4_096) }
    expect(await client.send(subscribeFrame(1, 'mine', { input }))).toMatchObject([
      { id: 1, line: { code: 'TOO_LARGE' } },
    ])
    expect(await world.store.readSubscriptions(client.connectionId)).toEqual([])
  })
  test('begins with events, and a resume has what was missed [TL-SUB-1] [TL-SUB-3]', async () => {
    const { world, client } = await following()
    await publish(world, 'a', 'b')
    const answers = await client.send(subscribeFrame('s2', 'replayed'))
    expect(textsOf(answers, 's2')).toEqual(['a', 'b'])
    const resumed = await client.send(subscribeFrame('s3', 'live', { lastEventId: cursorOf(answers[0], 'from') }))
    expect(textsOf(resumed, 's3')).toEqual(['a', 'b'])
  })
  test('begins with a state [TL-SNAP-1]', async () => {
    const { started } = await following('page')
    expect(started).toMatchObject([
      { result: { type: 'started', snapshot: true } },
      { result: { type: 'snapshot', data: { data: { type: 'state' } } } },
    ])
  })
  test('that comes twice has the same answer, and one of a lower ref has none [TL-SUB-13]', async () => {
    const { client, started } = await following()
    expect(await client.send(subscribeFrame('s1', 'live'))).toEqual(started)
    await client.send(subscribeFrame('s1', 'live', { ref: 3 }))
    expect(await client.send(subscribeFrame('s1', 'live', { ref: 2 }))).toEqual([])
  })
  test('that names another topic is TOPIC_CHANGED, and ends [TL-SUB-14]', async () => {
    const { client } = await following()
    const changed = await client.send(subscribeFrame('s1', 'live', { ref: 2, input: { room: 'y' } }))
    expect(changed).toMatchObject([{ id: 's1', line: { code: 'TOPIC_CHANGED' } }])
  })
  test('is not posted to: what is published is read by the next poll [TL-HTTP-8]', async () => {
    const { world, client, follower } = await following()
    await client.send({ id: 'm', method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'hi' } } })
    const socket = await world.connect()
    await socket.send({ id: 'm', method: 'mutation', params: { path: 'post', input: { room: 'x', text: 'ho' } } })
    expect(textsOf(await follower.poll())).toEqual(['hi', 'ho'])
  })
})

describe('A poll', () => {
  test('answers each subscription with news, and leaves out the others [TL-HTTP-9]', async () => {
    const { world, follower } = await following()
    await follower.subscribe('live', 's2', { input: { room: 'y' } })
    expect(await follower.poll()).toEqual([
      { id: 'y', result: { type: 'data', data: { nextMs: 1_000, more: [], verified: world.clock.now() } } },
    ])
    const before = follower.position()
    await publish(world, 'a', 'b')
    const answers = await follower.poll()
    expect(answers.map(({ id }) => id)).toEqual(['s1', 's1', 's1', 'y'])
    expect(answers[0]?.result).toMatchObject({ type: 'synced', from: before, head: follower.position() })
    expect(textsOf(answers)).toEqual(['a', 'b'])
    expect(textsOf(await follower.poll())).toEqual([])
  })

  test('comes after 1, 1.5, 2.25 s and so on, up to 15 s; after news it is 1 s again [TL-HTTP-10]', async () => {
    const { world, follower } = await following()
    const paces: unknown[] = []
    for (let n = 0; n < 9; n++) paces.push(end(await follower.poll())['nextMs'])
    expect(paces).toEqual([1_000, 1_500, 2_250, 3_375, 5_063, 7_595, 11_393, 15_000, 15_000])
    await publish(world, 'a')
    expect(end(await follower.poll())['nextMs']).toBe(1_000)
    expect(end(await follower.poll())['nextMs']).toBe(1_500)
    expect(end(await follower.poll({ verified: world.clock.now() }))['nextMs']).toBe(1_000) // the session called
    expect(end(await follower.poll({ nextMs: 1e300, verified: world.clock.now() }))['nextMs']).toBe(15_000)
  })

  test('of 200 subscriptions comes so late that they use at most 20 read units a second [TL-HTTP-10]', async () => {
    const { client, follower } = await following()
    for (let at = 2; at <= 200; at++)
      await follower.subscribe('mine', at, { input: { room: `${at}`, pad: 'x'.repeat(2_000) } })
    const { nextMs } = end(await follower.poll({ verified: 1_800_000_000_000 }))
    const rowBytes = 200 * 2_100
    expect(nextMs).toBeGreaterThan((202 + rowBytes / 4_096) * 50)
    expect(nextMs).toBeLessThan(25_000)
    expect(client.connectionId).toMatch(/^http-/)
  })

  test('of n quiet subscriptions reads their rows by one query, and one slot each [TL-HTTP-10]', async () => {
    const asked: unknown[] = []
    const world = openWorld({
      store: (store) => ({
        ...store,
        readSubscriptions: (id) => {
          asked.push('query')
          return store.readSubscriptions(id)
        },
        readSyncStates: (questions) => {
          asked.push(...questions.map(({ needs }) => needs))
          return store.readSyncStates(questions)
        },
      }),
    })
    const follower = follow(await openHttp(world))
    for (const id of [1, 2, 3]) await follower.subscribe('live', id)
    await follower.poll()
    expect(asked.splice(0)).toEqual(['query', 'slots', 'slots', 'slots'])
    await follower.poll()
    expect(asked.splice(0)).toEqual(['query', 'after', 'after', 'after'])
    expect(await world.store.readSubscriptions('none')).toEqual([])
  })

  test('without `poll` is a sync: it names each subscription and no next time [TL-SYNC-1]', async () => {
    const { client, follower } = await following()
    const subscriptions = [{ id: 's1', ref: 1, from: follower.position() }]
    expect(await client.send({ id: 'y', method: 'sync', params: { subscriptions } })).toEqual([
      { id: 's1', result: { type: 'synced', from: follower.position(), head: follower.position() } },
      { id: 'y', result: { type: 'data' } },
    ])
  })

  test('of a subscription that is not live says so; the row of the connection decides [TL-HTTP-8] [TL-SYNC-2]', async () => {
    const { client, follower } = await following()
    const lost = { line: { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: false } }
    const ask = (...subscriptions: readonly object[]) =>
      client.send({ id: 'y', method: 'sync', params: { poll: true, subscriptions } })
    const from = follower.position()
    expect(await ask({ id: 's9', ref: 1, from }, { id: 's1', ref: 2, from }, { id: 'S1', ref: 1, from })).toMatchObject(
      [{ id: 's9', ...lost }, { id: 's1', ...lost }, { id: 'S1', ...lost }, { id: 'y' }],
    )
    await client.send({ id: 's1', method: 'subscription.stop', params: { ref: 1 } })
    expect(await ask({ id: 's1', ref: 1, from })).toMatchObject([{ id: 's1', ...lost }, { id: 'y' }])
  })

  test('whose events have no room names the rest in `more`, and goes on from the position [TL-HTTP-9]', async () => {
    const { world, follower } = await following()
    await follower.subscribe('live', 's2', { input: { room: 'x' } })
    await publish(world, ...Array.from({ length: 4 }, (_, n) => `${n}`.repeat(40_000)))
    const answers = await follower.poll()
    expect(end(answers)).toMatchObject({ more: ['s2'], verified: 0 })
    expect(Buffer.byteLength(JSON.stringify(answers))).toBeLessThan(100_000)
    const seen = textsOf(answers)
    for (let n = 0; n < 6; n++) seen.push(...textsOf(await follower.poll()))
    expect(seen.map(([first]) => first)).toEqual(['0', '1', '2', '3'])
    expect(follower.position('s2')).toBe(follower.position('s1'))
  })

  test('over a socket is a plain sync [TL-HTTP-9]', async () => {
    const world = openWorld()
    const socket = await world.connect()
    await socket.send(subscribeFrame('s1', 'live'))
    const [started] = socket.frames() as AnswerOf[]
    const subscriptions = [{ id: 's1', ref: 1, from: cursorOf(started) }]
    expect(await socket.send({ id: 'y', method: 'sync', params: { poll: true, subscriptions } })).toEqual([
      { id: 's1', result: { type: 'synced', from: cursorOf(started), head: cursorOf(started) } },
      { id: 'y', result: { type: 'data' } },
    ])
  })

  test.each([[0], [{ nextMs: -1 }], [{ verified: 'now' }], ['true'], [false]])('%j is malformed', async (poll) => {
    const { client } = await following()
    expect(await client.send({ id: 'y', method: 'sync', params: { poll, subscriptions: [] } })).toMatchObject([
      { id: 'y', line: { code: 'MALFORMED' } },
    ])
  })
})

describe('A poll reads the slot at the position at least once a minute, so that', () => {
  /** Polls as the answers say, until one has news or two minutes have passed. Returns the milliseconds. */
  async function pollUntilNews({ world, follower }: Awaited<ReturnType<typeof following>>) {
    const begun = world.clock.now()
    for (let nextMs = 0; world.clock.now() - begun < 120_000; ) {
      await world.clock.advance(nextMs)
      const answers = await follower.poll()
      if (answers.length > 1) return { answers, ms: world.clock.now() - begun }
      nextMs = Number(end(answers)['nextMs'])
    }
    return { answers: [], ms: 120_000 }
  }

  test.each([0, 8])(
    'a log that is gone is a gap within 60 s, though no slot follows (after %i polls) [TL-HTTP-11]',
    async (polls) => {
      let isGone = false
      const world = openWorld({
        store: (store) => ({
          ...store,
          readSyncStates: async (asked) => (isGone ? asked.map(() => ({})) : store.readSyncStates(asked)),
          readSlots: async (...args) => (isGone ? { slots: [], more: false } : store.readSlots(...args)),
          readSlotsBefore: async (...args) => (isGone ? { slots: [], more: false } : store.readSlotsBefore(...args)),
          putSlot: async (of, slot: Slot) => (isGone ? { status: 'put' } : store.putSlot(of, slot)),
        }),
      })
      const client = await openHttp(world)
      const follower = follow(client)
      const started = await follower.subscribe('live')
      for (let n = 0; n < polls; n++) await follower.poll()
      isGone = true
      const { answers, ms } = await pollUntilNews({ world, client, follower, started })
      expect(answers[0]?.result).toMatchObject({ type: 'synced', gap: 'new-epoch' })
      expect(ms).toBeLessThanOrEqual(60_000)
    },
  )

  test('a restore of the table is a gap within 60 s [TL-CUR-2] [TL-HTTP-11]', async () => {
    const found = await following()
    for (let n = 0; n < 8; n++) await found.follower.poll()
    Object.assign(found.world, { backend: { ...found.world.backend, restore: 1 } })
    const { answers, ms } = await pollUntilNews(found)
    expect(answers[0]?.result).toMatchObject({ type: 'synced', gap: 'new-epoch' })
    expect(ms).toBeLessThanOrEqual(60_000)
  })

  test('an ageing head is extended [LAW-LOGICAL-EXPIRY]', async () => {
    const world = openWorld()
    const expiresOf = async () => (await world.store.readSlots(topic, 0, 1)).slots[0]?.expires
    await publish(world, 'a')
    const before = await expiresOf()
    await world.clock.advance(48 * 3_600_000 - 60_000)
    const follower = follow(await openHttp(world))
    await follower.subscribe('live')
    expect(await expiresOf()).toBe(before)
    await world.clock.advance(120_000)
    expect(await follower.poll()).toHaveLength(2)
    expect(await expiresOf()).toBeGreaterThan(before ?? 0)
  })

  test('a wrong `verified` is not believed: one of the future, and one that is too old [TL-HTTP-11]', async () => {
    const { world, follower } = await following()
    const now = world.clock.now()
    for (const [verified, expected] of [
      [now + 1, now],
      [now - 45_000, now],
      [now - 44_999, now - 44_999],
      [0, now],
    ])
      expect(end(await follower.poll({ nextMs: 1_000, verified }))['verified']).toBe(expected)
  })
})

describe('A filtered subscription over HTTP', () => {
  test('gets its matches, each with `prev`, and its position moves over the rest [TL-SUB-5]', async () => {
    const { world, follower } = await following('mine', 'ann/a')
    await publish(world, 'b', 'a1', 'b', 'a2', 'b')
    const answers = await follower.poll()
    expect(textsOf(answers)).toEqual(['a1', 'a2'])
    expect(answers.at(-2)?.result).toMatchObject({ type: 'advance' })
    expect(textsOf(await follower.poll())).toEqual([])
  })
  test('is filtered by the claims of now, which a later `auth` may have brought [TL-AUTH-6]', async () => {
    const { world, client, follower } = await following('mine', 'ann/a')
    await client.send({ id: 'a', method: 'auth', params: { token: 'ann/b' } })
    await publish(world, 'a1', 'b1')
    expect(textsOf(await follower.poll())).toEqual(['b1'])
  })
  test('whose map throws has a fault [TL-SUB-11]', async () => {
    const { world, follower } = await following('mapped')
    await publish(world, 'ok', 'no!')
    const types = (await follower.poll()).map(({ result }) => result?.['type'])
    expect(types).toEqual(['synced', 'data', 'fault', 'data'])
  })
})
