import { type ChunkFrame, limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { createLambdaHandlers } from '../../lambda/handlers.ts'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createRoom, publish, type Room, say, subscribe, withOperations } from '../subscriptions/room.suite.ts'
import { chunked, inParts, joined } from './chunked.suite.ts'

const echo = (text: string, id: string | number = 1) => ({
  id,
  method: 'query',
  params: { path: 'echo', input: { room: 'x', text } },
})
const tell = (text: string) => ({ id: 1, method: 'mutation', params: { path: 'tell', input: { room: 'x', text } } })
const large = '"ünï\n🦊"'.repeat(8_000) // 96 KB before its escapes

/** Sends each and gives the answers that say something, chunks put together. */
async function sendAll(client: TestClient, frames: readonly unknown[]): Promise<readonly unknown[]> {
  const answers: unknown[] = []
  for (const frame of frames) answers.push(await client.send(frame))
  return joined([...client.frames(), ...answers.filter((answer) => answer !== undefined)])
}

function telling() {
  const effects: string[] = []
  return { ...createRoom({ createContext: () => ({ effects }) }), effects }
}

describe('a message that comes in chunks', () => {
  test.each([
    ['in their order', (parts: readonly ChunkFrame[]) => parts],
    ['backwards', (parts: readonly ChunkFrame[]) => parts.toReversed()],
    ['doubled', (parts: readonly ChunkFrame[]) => parts.flatMap((part) => [part, part])],
    ['twice over', (parts: readonly ChunkFrame[]) => [...parts, ...parts]],
  ])('is answered once as though it had come whole, its parts %s [TL-CHUNK-5]', async (_, order) => {
    const client = await createRoom().connect()
    const parts = chunked(echo(large))
    expect(parts.length).toBeGreaterThan(4)
    expect(await sendAll(client, order(parts))).toEqual([{ id: 1, result: { type: 'data', data: large } }])
  })
  test('runs once when all its parts come at once, each doubled [TL-CHUNK-5]', async () => {
    const room = telling()
    const client = await room.connect()
    await Promise.all(chunked(tell(large)).flatMap((part) => [client.send(part), client.send(part)]))
    expect(room.effects).toEqual([large])
  })
  test('may have a megabyte, and be answered with one [TL-CHUNK-4]', async () => {
    const client = await createRoom().connect()
    const text = 'x'.repeat(limits.maxMessageBytes.value - JSON.stringify(echo('')).length)
    expect(await sendAll(client, chunked(echo(text)))).toEqual([{ id: 1, result: { type: 'data', data: text } }])
  })
  test('beyond the limit is refused at its first part by size and limit, and nothing is kept [TL-CHUNK-4]', async () => {
    const room = createRoom({ maxMessageBytes: 200_000 })
    const client = await room.connect()
    const [first] = chunked(echo('x'.repeat(200_000)))
    const bytes = JSON.stringify(echo('x'.repeat(200_000))).length
    expect(await client.send(first)).toMatchObject({
      id: 1,
      error: { message: `Expected a message of at most 200000 bytes, got ${bytes} bytes.` },
      line: { code: 'TOO_LARGE', mayHaveRun: false },
    })
    expect(await room.store.readParts(client.connectionId, 'm1', 1)).toEqual([undefined])
  })
  test('subscribes as one that came whole [TL-CHUNK-5]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const frame = { id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x', pad: large }, ref: 1 } }
    const [started] = await sendAll(client, chunked(frame))
    expect(started).toMatchObject({ id: 7, result: { type: 'started' } })
    await say(client, 'after')
    expect(client.frames().at(-1)).toMatchObject({ id: 7, result: { data: { data: { text: 'after' } } } })
  })
  test('is not run while a part is missing, nor after its time [TL-CHUNK-8]', async () => {
    const room = telling()
    const client = await room.connect()
    const [last, ...others] = chunked(tell(large)).toReversed()
    expect(await sendAll(client, others)).toEqual([])
    await room.clock.advance(limits.uploadMs.value + 1_000)
    expect(await client.send(last)).toMatchObject({ id: 1, line: { code: 'TIMEOUT', mayHaveRun: false } })
    expect(room.effects).toEqual([])
  })
  test('is kept apart from one of the same name on another connection [TL-CHUNK-7]', async () => {
    const room = telling()
    const [ann, bob] = [await room.connect(), await room.connect()]
    const [first, ...others] = chunked(tell(large))
    await ann.send(first)
    expect(await sendAll(bob, others)).toEqual([])
    expect(room.effects).toEqual([])
  })
  test('is refused where a part differs from the stored one, which is kept [TL-CHUNK-6]', async () => {
    const room = telling()
    const client = await room.connect()
    const [first, ...others] = chunked(tell(large)) as [ChunkFrame, ...ChunkFrame[]]
    await client.send(first)
    const other = { ...first, params: { ...first.params, text: 'other' } }
    expect(await client.send(other)).toMatchObject({ id: 1, error: { data: { code: 'BAD_REQUEST' } } })
    await sendAll(client, others)
    expect(room.effects).toEqual([large])
  })
  test.each([
    ['another count', { of: 3 }],
    ['other bytes', { bytes: 99_999 }],
  ])('is refused where a part declares %s [TL-CHUNK-6]', async (_, declared) => {
    const client = await createRoom().connect()
    const [first, second] = chunked(echo(large)) as [ChunkFrame, ChunkFrame]
    await client.send(first)
    const refused = await client.send({ ...second, params: { ...second.params, ...declared } })
    expect(refused).toMatchObject({ id: 1, error: { data: { code: 'BAD_REQUEST' } } })
  })
  test('is refused where its parts have not the bytes declared [TL-CHUNK-6]', async () => {
    const room = telling()
    const client = await room.connect()
    const parts = inParts(tell('short'), 2).map(({ params, ...part }) => ({
      ...part,
      params: { ...params, bytes: params.bytes + 1 },
    }))
    expect(await sendAll(client, parts)).toMatchObject([{ id: 1, error: { data: { code: 'BAD_REQUEST' } } }])
    expect(room.effects).toEqual([])
  })
  test('that is no JSON, PING, or a frame without an id is malformed under its id [TL-CHUNK-3]', async () => {
    for (const text of [
      '{"id":',
      'PING',
      '5',
      '{"method":"query"}',
      `{"method":"query","params":${'['.repeat(70)}${']'.repeat(70)}}`,
    ]) {
      const client = await createRoom().connect()
      const [answer] = await sendAll(client, chunked({ id: 'up' }, { text }))
      expect(answer, text).toMatchObject({ id: 'up', line: { code: 'MALFORMED' } })
      const stock = await createRoom().connect({ stock: true })
      const [refused] = await sendAll(stock, chunked({ id: 'up' }, { text }))
      expect(refused, text).toMatchObject({ id: 'up', error: { data: { code: 'PARSE_ERROR' } } })
    }
  })
  test('that holds a chunk again is malformed [TL-CHUNK-2]', async () => {
    const client = await createRoom().connect()
    const text = JSON.stringify(chunked(echo(large))[0])
    const [answer] = await sendAll(client, chunked({ id: 1 }, { text }))
    expect(answer).toMatchObject({ id: 1, line: { code: 'MALFORMED' } })
  })
  test('of an array answers each element [TL-CHUNK-5]', async () => {
    const client = await createRoom().connect()
    const text = JSON.stringify([echo(large, 1), echo('b', 2)])
    const answers = await sendAll(client, chunked({ id: 1 }, { text }))
    expect((answers.flat() as { id: unknown }[]).map(({ id }) => id).sort()).toEqual([1, 2])
  })
  test('is malformed where a chunk is in an array [TL-CHUNK-2]', async () => {
    const client = await createRoom().connect()
    expect(await client.send([chunked(echo(large))[0]])).toMatchObject({ id: 1, line: { code: 'MALFORMED' } })
    const stock = await createRoom().connect({ stock: true })
    expect(await stock.send([chunked(echo(large))[0]])).toMatchObject({ id: null, error: { code: -32_700 } })
  })
  test('answers for itself alone when its claim or its read fails [TL-CHUNK-3]', async () => {
    for (const operation of ['claimUpload', 'readParts'] as const) {
      const fail = () => Promise.reject(new Error('broken'))
      const room = createRoom({ store: (inner) => withOperations(inner, () => ({ [operation]: fail })) })
      const [answer] = await sendAll(await room.connect(), chunked(echo(large)))
      expect(answer).toMatchObject({ id: 1, error: {} })
    }
  })
})

describe('what chunks cost', () => {
  function counted() {
    const calls: string[] = []
    const store = (inner: Store) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            calls.push(String(name))
            return Reflect.apply(member, target, args) as unknown
          }
        },
      })
    const room = createRoom({ store })
    return { room, took: () => calls.splice(0) }
  }
  test('is three writes a part, and a claim, its end and a read for all', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    const parts = chunked(echo(large))
    took()
    await sendAll(client, parts)
    const each = parts.flatMap(() => ['openUpload', 'putPart', 'notePart'])
    expect(took()).toEqual([...each, 'claimUpload', 'closeUpload', 'readParts'])
    await sendAll(client, parts.slice(0, 1))
    expect(took()).toEqual(['openUpload', 'putPart', 'notePart', 'closeUpload']) // a doubled part of what ran
  })
  test('is nothing more for a message that never ends, and its rows go by themselves [TL-CHUNK-8]', async () => {
    const { room, took } = counted()
    const client = await room.connect()
    const [, ...others] = chunked(echo(large))
    await sendAll(client, others)
    took()
    await room.clock.advance(49 * 3_600_000)
    for (let n = 0; n < 1_024; n++) await room.store.readConnection('nobody') // the reference store sweeps now and then
    const [{ params }] = others as [ChunkFrame]
    const found = await room.store.readParts(client.connectionId, 'm1', params.of)
    expect(found.filter((text) => text !== undefined)).toEqual([])
  })
})

describe('an answer that is larger than a message', () => {
  const grow = (path: string, bytes: number, params: object = {}) => ({
    id: 1,
    method: path === 'grow' ? 'query' : 'mutation',
    params: { path, input: bytes, ...params },
  })
  const postedBytes = (room: Room, { connectionId }: TestClient) =>
    room.gateway.posted(connectionId).map((text) => Buffer.byteLength(text))

  test('goes in chunks, and the last chunk is the route’s own answer [TL-CHUNK-1]', async () => {
    const room = createRoom()
    const client = await room.connect()
    const last = await client.send(grow('grow', 500_000))
    expect(client.frames()).toHaveLength(3)
    expect(joined([...client.frames(), last])).toEqual([{ id: 1, result: { type: 'data', data: 'x'.repeat(500_000) } }])
    for (const bytes of postedBytes(room, client)) expect(bytes).toBeLessThanOrEqual(limits.messageBytes.value)
  })
  test.each(['"', '\u0001', 'x'])('names its id, however it is written: %j [TL-CHUNK-3]', async (unit) => {
    const id = unit.repeat(128)
    const room = createRoom()
    const client = await room.connect()
    expect(await client.send({ ...grow('grow', 200_000), id })).toMatchObject({ id, method: 'chunk' })
    for (const bytes of postedBytes(room, client)) expect(bytes).toBeLessThanOrEqual(limits.messageBytes.value)
  })
  test('beyond the limit is refused by size and limit [TL-LIM-3] [TL-CHUNK-4]', async () => {
    const client = await createRoom({ maxMessageBytes: 200_000 }).connect()
    expect(await client.send(grow('grow', 200_000))).toMatchObject({
      id: 1,
      error: { message: expect.stringMatching(/200043 bytes; at most 200000/) },
      line: { code: 'TOO_LARGE', retry: 'never', mayHaveRun: true },
    })
  })
  test('is a typed error to a stock client, whose socket lives on [TL-CHUNK-11]', async () => {
    const client = await createRoom().connect({ stock: true })
    const refused = await client.send(grow('grow', 131_072))
    expect(refused).toMatchObject({ id: 1, error: { data: { code: 'PAYLOAD_TOO_LARGE', httpStatus: 413 } } })
    expect(await client.send(grow('grow', 130_000))).toMatchObject({ result: { type: 'data' } })
  })
  test('beyond what a key records is the outcome of the keyed mutation, the same each time [TL-LIM-3] [TL-KEY-1]', async () => {
    const effects: string[] = []
    const client = await createRoom({ createContext: () => ({ effects }) }).connect()
    const frame = grow('growOnce', limits.outcomeBytes.value, { key: 'own.k' })
    const [first, second] = [await client.send(frame), await client.send(frame)]
    expect(first).toMatchObject({ line: { code: 'TOO_LARGE', mayHaveRun: true } })
    expect(second).toEqual(first)
    expect(effects).toHaveLength(1)
  })
})

describe('a state of startWith that is too large', () => {
  test.each([
    ['a stock client', { stock: true }, 130_000, /130\d{3} bytes; at most 126976 can be sent/],
    ['a client with chunks', { stock: false }, 1_050_000, /1050\d{3} bytes; at most 1044480 can be sent/],
  ])(
    'is refused for %s with its size, the limit and what to read instead [TL-CHUNK-11]',
    async (_, who, size, words) => {
      const room = createRoom({ createContext: () => ({ load: () => 'x'.repeat(size) }) })
      const client = await room.connect(who)
      const params = { path: 'page', input: { room: 'x' }, ...(who.stock ? {} : { ref: 1 }) }
      await client.send({ id: 7, method: 'subscription', params })
      const refused = { id: 7, error: { message: expect.stringMatching(words), data: { code: 'PAYLOAD_TOO_LARGE' } } }
      expect(client.frames().at(-1)).toMatchObject(refused)
      expect(JSON.stringify(client.frames().at(-1))).toContain('maxBytes')
    },
  )
})

describe('an event that is larger than a message', () => {
  const big = 'y'.repeat(300_000)
  test('is pushed in chunks and fetched by sync, once each to the client that joins them [TL-CHUNK-1] [TL-SYNC-3]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await subscribe(client)
    await say(await room.connect(), big)
    const event = { id: 7, result: { type: 'data', data: { data: { text: big } } } }
    expect(joined(client.frames())).toMatchObject([{ result: { type: 'started' } }, event])
    const [started] = client.frames() as readonly { result: { from: string } }[]
    const subscriptions = [{ id: 7, ref: 1, from: started?.result.from }]
    const answer = await client.send({ id: 's', method: 'sync', params: { subscriptions } })
    const later = client.frames().slice(1 + 3)
    expect(joined([...later, answer]).flat()).toMatchObject([{ id: 7, result: { type: 'synced' } }, event, { id: 's' }])
    expect(answer).toMatchObject({ id: 7, method: 'chunk' }) // what fails, where it cannot be taken, is the subscription
  })
  test('says the same parts when its delivery is tried again [TL-CHUNK-1]', async () => {
    const room = createRoom()
    const client = await room.connect()
    await subscribe(client)
    let posts = 0
    room.gateway.intercept = (id, text) =>
      id === client.connectionId && text.includes('chunk') && ++posts === 2
        ? { status: 'failed', unknown: false, reason: 'broken' }
        : undefined
    await say(await room.connect(), big)
    for (const { payload } of room.invoked.splice(0))
      await room.line.withBackend(room.backend, () => room.handlers.deliver(payload, {}))
    const chunks = client.frames().slice(1) as readonly ChunkFrame[]
    expect(chunks.map(({ params }) => params.part)).toEqual([0, 0, 1, 2])
    expect(new Set(chunks.map(({ params }) => params.message)).size).toBe(1)
  })
  test('ends a stock client’s subscription with a typed error, pushed or resumed [TL-CHUNK-11]', async () => {
    const room = createRoom()
    const { id } = await publish(room, 'first')
    const client = await room.connect({ stock: true })
    await client.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' } } })
    await say(await room.connect(), big)
    const ended = { id: 7, error: { data: { code: 'PAYLOAD_TOO_LARGE' } } }
    expect(client.frames().at(-1)).toMatchObject(ended)
    const before = client.frames().length
    await say(await room.connect(), 'small')
    expect(client.frames()).toHaveLength(before) // it ended
    await client.send({
      id: 8,
      method: 'subscription',
      params: { path: 'live', input: { room: 'x' }, lastEventId: id },
    })
    expect(client.frames().at(-1)).toMatchObject({ ...ended, id: 8 })
  })
  test('of an ephemeral channel goes in chunks too', async () => {
    const room = createRoom()
    const client = await room.connect()
    await client.send({ id: 7, method: 'subscription', params: { path: 'onTyping', input: { room: 'x' }, ref: 1 } })
    await sendAll(
      await room.connect(),
      chunked({
        id: 1,
        method: 'mutation',
        params: { path: 'type', input: { room: 'x', text: big } },
      } as never),
    )
    expect(joined(client.frames()).at(-1)).toMatchObject({ id: 7, result: { data: { text: big } } })
  })
  test('a snapshot of 500 KB goes in chunks [TL-SNAP-1]', async () => {
    const state = 'z'.repeat(500_000)
    const room = createRoom({ createContext: () => ({ load: () => state }) })
    const client = await room.connect()
    await client.send({ id: 7, method: 'subscription', params: { path: 'page', input: { room: 'x' }, ref: 1 } })
    expect(joined(client.frames())).toMatchObject([
      { result: { type: 'started', snapshot: true } },
      { result: { type: 'snapshot', data: { data: state } } },
    ])
  })
})

describe('the server’s limit', () => {
  test('is stated in hello [TL-HELLO-2]', async () => {
    const client = await createRoom({ maxMessageBytes: 200_000 }).connect()
    expect(await client.send({ id: 'h', method: 'hello' })).toMatchObject({
      result: { limits: { maxMessageBytes: 200_000, batchSize: 100 } },
    })
  })
  test.each([131_071, 4_194_305, 200_000.5, Number.NaN])('is refused at once where it makes no sense: %d', (bytes) => {
    const { router } = { router: { _def: { procedures: {} } } as never }
    expect(() => createLambdaHandlers({ router, maxMessageBytes: bytes } as never)).toThrow(
      `Expected maxMessageBytes to be a whole number of bytes from 131072 to 4194304, got ${bytes}.`,
    )
  })
})
