import { initTRPC } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { formatTopic } from '../../define/topic.ts'
import { recordingTelemetry } from '../../lambda/recording-telemetry.suite.ts'
import { createTestLine, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { accessOf } from './store-access.suite.ts'

const key = z.object({ room: z.string() })
const padded = key.extend({ pad: z.string().optional() })

interface Given {
  readonly claims?: string
  readonly maxStoredInputBytes?: number
  readonly store?: (store: Store) => Partial<Store>
}

/** A room whose writes are counted. */
function roomOf({ claims, maxStoredInputBytes, store: wrap }: Given = {}) {
  const { telemetry, ...recorded } = recordingTelemetry()
  const line = createLine()
  const chat = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({}) })
  const runs: unknown[] = []
  const t = initTRPC.create()
  const p = t.procedure
  const router = t.router({
    live: p.input(key).subscription(({ input }) => chat.subscribe(input)),
    page: p.input(padded).subscription(({ input: { room } }) => chat.subscribe({ room }).startWith(() => 'state')),
    loud: p.input(padded).subscription(({ input: { room, ...rest } }) => {
      runs.push(rest)
      return chat.subscribe({ room }).filter(() => true)
    }),
    mapped: p.input(padded).subscription(({ input: { room } }) => chat.subscribe({ room }).map(({ text }) => text)),
    begun: p.input(padded).subscription(({ input: { room } }) => {
      const loud = chat.subscribe({ room }).filter(() => true)
      return loud.startWith(() => 'state')
    }),
    onTyping: p.input(padded).subscription(({ input: { room } }) => typing.subscribe({ room })),
    onLoudTyping: p.input(padded).subscription(({ input: { room } }) => typing.subscribe({ room }).filter(() => true)),
    join: p.input(padded).subscription(({ input: { room } }) => here.join({ room }, { member: 'ann', data: {} })),
    watch: p.input(padded).subscription(({ input: { room } }) => here.watch({ room })),
    count: p.input(padded).subscription(({ input: { room } }) => here.count({ room })),
    post: p.input(key).mutation(({ input }) => chat.publish(input, { text: 'hi' })),
    type: p.input(key).mutation(({ input }) => typing.publish(input, { text: 'hi' })),
  })
  const writes: string[] = []
  const made = createTestLine({
    line,
    router,
    telemetry,
    ...(maxStoredInputBytes === undefined ? {} : { maxStoredInputBytes }),
    ...(claims === undefined
      ? {}
      : { authorize: () => ({ principal: 'ann', claims, expiresAt: new Date(1_900_000_000_000) }) }),
    store: (inner) =>
      new Proxy(inner, {
        get(target, name: keyof Store) {
          const member: unknown = wrap?.(inner)[name] ?? Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            if (accessOf(name, args).writes) writes.push(name)
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
  })
  return { ...made, ...recorded, runs, tookWrites: () => writes.splice(0), chat }
}

const topics = ['chat', 'typing', 'here'].map((name) => formatTopic(name, { room: 'x' }))

/** The rows of the room's topics. */
async function rowsOf({ store }: TestLine): Promise<readonly Subscriber[]> {
  const pages = await Promise.all(topics.map((topic) => store.readSubscribers(topic, 0)))
  return pages.flatMap(({ subscribers }) => subscribers)
}

const frameOf = (id: number, path: string, pad = 0, rest: object = {}) => ({
  id,
  method: 'subscription',
  params: { path, input: { room: 'x', ...(pad > 0 && { pad: 'x'.repeat(pad) }) }, ...rest },
})

interface Answer {
  readonly id?: unknown
  readonly result?: { readonly type: string }
}

/** The answer to a subscribe, posted or returned. */
async function answerTo(client: TestClient, frame: { readonly id: number }): Promise<unknown> {
  const before = client.frames().length
  const returned = await client.send(frame)
  const all = [...client.frames().slice(before), ...[returned].flat()] as readonly (Answer | undefined)[]
  return all.find((each) => each?.id === frame.id && each.result?.type !== 'data') // a member that joins gets its own join too
}

const isStarted = { result: { type: 'started' } }
const isTooLarge = (words: RegExp) => ({
  error: { message: expect.stringMatching(words), data: { code: 'PAYLOAD_TOO_LARGE' } },
  line: { code: 'TOO_LARGE', retry: 'never' },
})

const plain = ['live', 'page', 'onTyping', 'join', 'watch', 'count']
const piped = ['loud', 'mapped', 'begun', 'onLoudTyping']
const clients = [{ stock: false }, { stock: true }]
const named = ({ stock }: { readonly stock: boolean }) => (stock ? 'a stock client' : 'a client of ours')

describe.each(clients)('the input of a subscription (%j)', (how) => {
  test.each(plain)('is not stored for %s, whatever its size [TL-LIM-7]', async (path) => {
    const line = roomOf()
    const client = await line.connect(how)
    expect(await answerTo(client, frameOf(1, path, 100_000))).toMatchObject(isStarted)
    const [row] = await rowsOf(line)
    expect(row).toMatchObject({ on: true, path })
    expect(JSON.stringify(row).length).toBeLessThan(700)
    expect(row).not.toHaveProperty('input')
  })
  test.each(piped)('is stored for %s as it came, up to the limit and not beyond it', async (path) => {
    const line = roomOf()
    const client = await line.connect(how)
    const overhead = JSON.stringify({ room: 'x', pad: '' }).length
    const fits = frameOf(1, path, limits.storedInputBytes.value - overhead)
    expect(await answerTo(client, fits)).toMatchObject(isStarted)
    expect((await rowsOf(line)).map(({ input }) => input)).toEqual([JSON.stringify(fits.params.input)])
    line.tookWrites()
    const words = /input has 4097 bytes; at most 4096 /
    const refused = await answerTo(client, frameOf(2, path, limits.storedInputBytes.value - overhead + 1))
    expect(refused).toMatchObject(isTooLarge(words))
    expect(line.tookWrites()).toEqual([])
    expect(await answerTo(client, frameOf(3, path, 390_000))).toMatchObject(isTooLarge(/ 390/))
    expect(line.tookWrites()).toEqual([])
    expect(line.logs).toEqual([])
  })
  test('is counted in bytes of UTF-8', async () => {
    const line = roomOf()
    const frame = {
      id: 1,
      method: 'subscription',
      params: { path: 'loud', input: { room: 'x', pad: 'é'.repeat(2_100) } },
    }
    expect(await answerTo(await line.connect(how), frame)).toMatchObject(isTooLarge(/has 42\d\d bytes; at most 4096/))
  })
  test('has the limit that the application sets', async () => {
    const line = roomOf({ maxStoredInputBytes: 100 })
    const client = await line.connect(how)
    expect(await answerTo(client, frameOf(1, 'loud', 60))).toMatchObject(isStarted)
    expect(await answerTo(client, frameOf(2, 'loud', 90))).toMatchObject(
      isTooLarge(/at most 100 .*maxStoredInputBytes/),
    )
  })
  test('runs the procedure again at each delivery, and reaches a client that resumes', async () => {
    const line = roomOf()
    const client = await line.connect(how)
    await client.send(frameOf(1, 'loud', 10))
    const poster = await line.connect()
    await poster.send({ id: 9, method: 'mutation', params: { path: 'post', input: { room: 'x' } } })
    expect(line.runs).toEqual([{ pad: 'x'.repeat(10) }, { pad: 'x'.repeat(10) }])
    expect(client.frames()).toContainEqual(
      expect.objectContaining({ result: expect.objectContaining({ type: 'data' }) }),
    )
  })
  test('leaves the row with the claims when the subscription is stopped [TL-LIM-7]', async () => {
    const line = roomOf({ claims: 'c'.repeat(500) })
    const client = await line.connect(how)
    await client.send(frameOf(1, 'loud', 1_000))
    const [row] = await rowsOf(line)
    expect(row).toHaveProperty('piped.claims')
    await client.send({ id: 1, method: 'subscription.stop' })
    const stopped = row && (await line.store.readSubscriber(row))
    expect(stopped).toMatchObject({ on: false })
    expect(stopped).not.toHaveProperty('input')
    expect(stopped).not.toHaveProperty('piped')
  })
})

describe('what one connection stores in the rows of one topic', () => {
  const claims = 'c'.repeat(998) // 1,000 bytes as JSON
  const each = 4_000
  test.each(clients)('is at most 64 KB, refused before anything is written [TL-LIM-7] (%j)', async (how) => {
    const line = roomOf({ claims })
    const client = await line.connect(how)
    const pad = each - JSON.stringify({ room: 'x', pad: '' }).length
    for (let id = 1; id <= 13; id++) expect(await answerTo(client, frameOf(id, 'loud', pad))).toMatchObject(isStarted)
    line.tookWrites()
    const words = /would have 70000 bytes; at most 65536 /
    expect(await answerTo(client, frameOf(14, 'loud', pad))).toMatchObject(isTooLarge(words))
    expect(line.tookWrites()).toEqual([])
    // another topic, another connection and what stores nothing are not concerned
    const elsewhere = { ...frameOf(15, 'loud'), params: { path: 'loud', input: { room: 'y', pad: 'x'.repeat(pad) } } }
    expect(await answerTo(client, elsewhere)).toMatchObject(isStarted)
    expect(await answerTo(client, frameOf(16, 'live', pad))).toMatchObject(isStarted)
    expect(await answerTo(await line.connect(how), frameOf(1, 'loud', pad))).toMatchObject(isStarted)
    // a stopped one makes room
    await client.send({ id: 3, method: 'subscription.stop' })
    expect(await answerTo(client, frameOf(17, 'loud', pad))).toMatchObject(isStarted)
  })
  test('counts an attempt once, even if it is repeated', async () => {
    const line = roomOf({ claims })
    const client = await line.connect()
    for (let ref = 1; ref <= 20; ref++)
      expect(await answerTo(client, frameOf(1, 'loud', 3_500, { ref }))).toMatchObject(isStarted)
  })
  test('is limited with any number of concurrent subscribes, in one message and in many', async () => {
    for (const together of [true, false]) {
      const line = roomOf({ claims })
      const client = await line.connect()
      const frames = Array.from({ length: 40 }, (_, id) => frameOf(id, 'loud', 3_900, { ref: 1 }))
      await Promise.all(together ? chunksOf(frames, 7).map(client.send) : frames.map((frame) => client.send(frame)))
      const stored = (await rowsOf(line)).map(
        ({ input = '', piped: { claims: own = '' } = {} as never }) => input + own,
      )
      expect(Buffer.byteLength(stored.join(''))).toBeLessThanOrEqual(limits.storedBytes.value)
      const own = await line.store.readSubscriptions(client.connectionId)
      expect(own.filter(({ on }) => on)).toHaveLength(stored.length)
    }
  })
  test('is without the connection’s parameters, which only its own row has', async () => {
    const line = roomOf()
    const client = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await client.send({ method: 'connectionParams', data: { big: 'x'.repeat(70_000) } })
    expect(await answerTo(client, frameOf(1, 'live'))).toMatchObject(isStarted)
    expect(await answerTo(client, frameOf(2, 'loud'))).toMatchObject(isStarted)
  })
})

describe('a row that an older version has put', () => {
  test('without a filter is delivered to, and its input is not counted', async () => {
    const line = roomOf()
    const client = await line.connect()
    const expires = Math.ceil(line.clock.now() / 1_000) + 7_200
    const old = {
      connectionId: client.connectionId,
      id: '1',
      ref: 1,
      on: true,
      path: 'live',
      extensions: true,
      expires,
    }
    const topic = topics[0] as string
    await line.store.claimSubscription({ ...old, topic, shard: 0 })
    await line.store.putSubscriber({
      ...old,
      topic,
      shard: 0,
      input: JSON.stringify({ room: 'x', pad: 'x'.repeat(9_999) }),
    })
    await client.send({ id: 9, method: 'mutation', params: { path: 'post', input: { room: 'x' } } })
    expect(client.frames()).toMatchObject([{ id: 1, result: { type: 'data' } }])
  })
})

describe('data that the table refuses', () => {
  const refusals = {
    'too-large': { code: 'TOO_LARGE', words: /larger than the table takes/ },
    invalid: { code: undefined, words: /The table refused/ },
  } as const
  for (const [refused, { code, words }] of Object.entries(refusals))
    test(`(${refused}) is reported as such and never as an outage, wherever it is written`, async () => {
      const cause = new Error('Item size has exceeded the maximum allowed size')
      const refuse = (operation: keyof Store) => async () => {
        throw new StoreError(operation, false, { cause, refused: refused as never })
      }
      for (const operation of ['claimSubscription', 'putSubscriber', 'putSlot'] as const) {
        const line = roomOf({ store: () => ({ [operation]: refuse(operation) }) })
        for (const how of clients) {
          const client = await line.connect(how)
          const subscribed = await answerTo(client, frameOf(1, 'live'))
          expect([operation, named(how), subscribed]).toMatchObject([operation, named(how), { error: {} }])
          const { error, line: own } = subscribed as {
            error: { message: string }
            line?: { code: string; retry: string }
          }
          expect(error.message).toMatch(words)
          expect(own?.code).toBe(code)
          if (code !== undefined) expect(own?.retry).toBe('never')
        }
        expect(line.logs.map(({ level }) => level)).toEqual(code === undefined ? ['ERROR', 'ERROR'] : [])
      }
    })
})

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, n) => values.slice(n * size, (n + 1) * size))
}
