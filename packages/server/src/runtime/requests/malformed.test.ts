import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { deny } from '../../define/identity.ts'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import { createRoom } from '../subscriptions/room.suite.ts'
import { chunked } from './chunked.suite.ts'

/** `depth` levels of arrays, as JSON text. */
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const query = (params: object, id: unknown = 1) => ({ id, method: 'query', params: { path: 'whoami', ...params } })
const mutation = (params: object) => ({ id: 1, method: 'mutation', params: { path: 'pay', ...params } })
const subscription = (params: object) => ({
  id: 1,
  method: 'subscription',
  params: { path: 'live', input: { room: 'x' }, ...params },
})
const sync = (entry: object, count = 1) => ({
  id: 1,
  method: 'sync',
  params: { subscriptions: Array.from({ length: count }, (_, id) => ({ id, ref: 1, from: '0.e:1', ...entry })) },
})
const own = (method: string, params: object) => ({ id: 1, method, params })
const chunk = (params: object) => ({
  id: 1,
  method: 'chunk',
  params: { message: 'm', part: 0, of: 1, bytes: 10, text: 'x', ...params },
})

/** For each kind of frame a malformed one, and the words that its answer must hold: the limit and what came. */
const malformed: readonly (readonly [string, object, readonly string[]])[] = [
  ['a query nested 65 levels', query({ input: JSON.parse(nested(63)) }), ['64 levels', '65']],
  ['a mutation nested 65 levels', mutation({ input: JSON.parse(nested(63)) }), ['64 levels', '65']],
  ['a subscription nested 65 levels', subscription({ input: JSON.parse(nested(63)) }), ['64 levels', '65']],
  ['a path of 600 bytes', query({ path: 'p'.repeat(600) }), ['512 bytes', '600 bytes']],
  ['a path of 600 bytes in 300 characters', query({ path: 'é'.repeat(300) }), ['512 bytes', '600 bytes']],
  ['a path with half a surrogate pair', query({ path: 'p\ud800' }), ['well-formed Unicode', 'surrogate']],
  ["a subscription's path of 600 bytes", subscription({ path: 'p'.repeat(600) }), ['512 bytes', '600 bytes']],
  ['a path that is no text', query({ path: 5 }), ['params.path', 'a number']],
  ['a call without parameters', { id: 1, method: 'mutation' }, ['params', 'nothing']],
  ['a key of 253 bytes', mutation({ key: `own.${'k'.repeat(253)}` }), ['252 bytes', '253 bytes']],
  ['an empty key', mutation({ key: 'own.' }), ['1 to 252 bytes', '0 bytes']],
  ['a key with half a surrogate pair', mutation({ key: 'own.\ud800' }), ['well-formed Unicode', 'surrogate']],
  ['a key of neither form', mutation({ key: 'mine' }), ['own.<text>', 'another form']],
  ['a key that is no text', mutation({ key: 5 }), ['params.key', 'a number']],
  ['a `resend` that is not true', mutation({ resend: false }), ['params.resend', 'a boolean']],
  ['a ref of 0', subscription({ ref: 0 }), ['an integer from 1', 'params.ref']],
  ['a ref that is no integer', subscription({ ref: 1.5 }), ['an integer from 1', 'params.ref']],
  ['a lastEventId that is no text', subscription({ lastEventId: 5 }), ['params.lastEventId', 'a number']],
  ['a stop with a ref of 0', own('subscription.stop', { ref: 0 }), ['an integer from 1', 'params.ref']],
  ['a sync of 201 subscriptions', sync({}, 201), ['at most 200 subscriptions', '201']],
  ['a sync with a broken cursor', sync({ from: 'e:x' }), ['a cursor <epoch>:<offset>', 'another form']],
  ['a sync with an id of 129 bytes', sync({ id: 'x'.repeat(129) }), ['128 bytes', '129 bytes']],
  ['a sync without subscriptions', own('sync', {}), ['params.subscriptions', 'nothing']],
  ['a token of 7,001 bytes', own('auth', { token: 't'.repeat(7_001) }), ['7000 bytes', '7001 bytes']],
  ['an empty token', own('auth', { token: '' }), ['1 to 7000 bytes', '0 bytes']],
  ['a token with half a surrogate pair', own('auth', { token: '\udc00' }), ['well-formed Unicode', 'surrogate']],
  ['an auth without a token', own('auth', {}), ['params.token', 'nothing']],
  ['a cancel with a key of 253 bytes', own('cancel', { key: `own.${'k'.repeat(253)}` }), ['252 bytes', '253 bytes']],
  ['a hello nested 65 levels', { ...own('hello', JSON.parse(nested(64))) }, ['64 levels', '65']],
  ['a jsonrpc of another version', { ...query({}), jsonrpc: '1.0' }, ['jsonrpc']],
  ['an unknown method', { id: 1, method: 'nope', params: {} }, ['method', 'query']],
  ['no method', { id: 1 }, ['method', 'nothing']],
]

const chunks: typeof malformed = [
  ['a part beyond its count', chunk({ part: 1 }), ['part 1 of 1']],
  ['more parts than its bytes need', chunk({ part: 0, of: 9 }), ['at most 1 for 10 bytes', 'part 0 of 9']],
  ['a chunk name of 65 bytes', chunk({ message: 'x'.repeat(65) }), ['64 bytes', '65 bytes']],
  ['a chunk nested 65 levels', chunk({ more: JSON.parse(nested(63)) }), ['64 levels', '65']],
]

const whoami = (id: unknown) => ({ id, method: 'query', params: { path: 'whoami' } })
const refusal = (words: readonly string[], id: unknown = 1) => ({
  id,
  error: {
    message: expect.stringMatching(new RegExp(words.map((word) => `(?=.*${escapeRegExp(word)})`).join(''))),
    code: -32_600,
    data: { code: 'BAD_REQUEST', httpStatus: 400 },
  },
  line: { code: 'MALFORMED', retry: 'never', mayHaveRun: false },
})
const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Every frame that answers a message, whichever way it came. */
async function answersTo(client: TestClient, message: unknown): Promise<readonly unknown[]> {
  const before = client.frames().length
  const returned = await client.send(message)
  return [...client.frames().slice(before), ...(returned === undefined ? [] : [returned])].flat()
}

describe('a malformed frame of a client of ours', () => {
  test.each([...malformed, ...chunks])(
    '%s is answered under its own id [TL-BAD-2] [TL-LIM-4]',
    async (_, frame, words) => {
      const client = await createRoom().connect()
      expect(await answersTo(client, frame)).toEqual([refusal(words)])
      expect(await client.send(whoami(2))).toMatchObject({ id: 2, result: {} })
    },
  )

  test.each(malformed)('%s leaves the other elements of its array alone [TL-BATCH-2]', async (_, frame, words) => {
    const client = await createRoom().connect()
    const live = { id: 's', method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }
    const answers = await answersTo(client, [whoami(7), frame, live])
    expect(answers).toHaveLength(3)
    expect(answers).toContainEqual(refusal(words))
    expect(answers).toContainEqual({ id: 7, result: { type: 'data', data: 'you' } })
    expect(answers).toContainEqual({ id: 's', result: expect.objectContaining({ type: 'started' }) })
  })

  test.each(malformed)(
    '%s is answered under its own id when it comes in chunks [TL-CHUNK-3]',
    async (_, frame, words) => {
      const client = await createRoom().connect()
      const answers: unknown[] = []
      for (const part of chunked({ id: 1 }, { text: JSON.stringify(frame).padEnd(40_000) }))
        answers.push(...(await answersTo(client, part)))
      expect(answers).toEqual([refusal(words)])
    },
  )

  test('of a mutation runs nothing and claims no key [TL-BATCH-2]', async () => {
    const effects: string[] = []
    const client = await createRoom({ createContext: () => ({ effects }) }).connect()
    const input = { room: 'x', text: 'five' }
    await client.send(mutation({ input, key: 'own.one', resend: 1 }))
    expect(effects).toEqual([])
    expect(await client.send(mutation({ input, key: 'own.one' }))).toMatchObject({ result: { type: 'data' } })
  })

  test('with an id that is malformed is answered under id null [TL-BAD-7]', async () => {
    const ids = ['true', '{}', '[1]', 'null', '1e999', '"\\ud800"', `"${'x'.repeat(129)}"`, `"${'é'.repeat(65)}"`]
    for (const id of ids) {
      const client = await createRoom().connect()
      const text = `[{"id":${id},"method":"query","params":{"path":"whoami"}},${JSON.stringify(whoami(2))}]`
      const answers = await answersTo(client, text)
      expect(answers, id).toContainEqual(
        expect.objectContaining({ id: null, line: expect.objectContaining({ code: 'MALFORMED' }) }),
      )
      expect(answers, id).toContainEqual({ id: 2, result: { type: 'data', data: 'you' } })
    }
  })

  test('that is no frame at all is answered under id null, and the others run [TL-BATCH-2]', async () => {
    for (const element of [
      'null',
      '5',
      '"x"',
      '[]',
      '{}',
      '{"method":"query"}',
      '{"method":"connectionParams","data":null}',
    ]) {
      const client = await createRoom().connect()
      const answers = await answersTo(client, `[${element},${JSON.stringify(whoami(2))}]`)
      expect(answers, element).toContainEqual(
        expect.objectContaining({ id: null, line: expect.objectContaining({ code: 'MALFORMED' }) }),
      )
      expect(answers, element).toContainEqual({ id: 2, result: { type: 'data', data: 'you' } })
    }
  })

  test('echoes jsonrpc in its answer [TL-CALL-2]', async () => {
    const client = await createRoom().connect()
    const frame = { ...query({ path: 'p'.repeat(600) }), jsonrpc: '2.0' }
    expect(await client.send(frame)).toMatchObject({ id: 1, jsonrpc: '2.0', line: { code: 'MALFORMED' } })
  })

  test('on a refused connection is answered with the reason, under its own id [TL-HELLO-3]', async () => {
    const client = await createRoom({ authorize: () => deny('You are banned.') }).connect()
    await client.send(query({ path: 'p'.repeat(600) }, 5))
    expect(client.frames()).toMatchObject([{ id: 5, error: { message: 'You are banned.' } }])
  })
})

describe('depth', () => {
  const atMost = limits.jsonDepth.value - 2
  test('is judged for each element: the array is no level [TL-LIM-4] [TL-BATCH-2]', async () => {
    const client = await createRoom().connect()
    const input = JSON.parse(nested(atMost))
    const answers = await answersTo(client, [query({ input }, 1), query({ input }, 2), query({ input: [input] }, 3)])
    expect(answers).toContainEqual({ id: 1, result: { type: 'data', data: 'you' } })
    expect(answers).toContainEqual({ id: 2, result: { type: 'data', data: 'you' } })
    expect(answers).toContainEqual(refusal(['64 levels', '65'], 3))
  })

  test('of 15,000 levels is refused under its own id [TL-LIM-4]', async () => {
    const client = await createRoom().connect()
    const text = `{"id":1,"method":"query","params":{"path":"whoami","input":${nested(15_000)}}}`
    expect(await client.send(text)).toEqual(refusal(['64 levels', '15002']))
  })
})

describe('an array beyond the batch limit', () => {
  test('runs nothing and answers its malformed elements like the others [TL-BATCH-3]', async () => {
    const client = await createRoom().connect()
    const elements = Array.from({ length: 101 }, (_, id) => (id === 50 ? { id: 'bad' } : whoami(id)))
    const answers = await answersTo(client, elements)
    expect(answers).toHaveLength(101)
    for (const answer of answers)
      expect(answer).toMatchObject({ error: { message: 'Batch call exceeds maximum size' } })
  })

  test('of 15,000 elements that are no frames is answered once [TL-BATCH-3]', async () => {
    const client = await createRoom().connect()
    expect(await answersTo(client, `[${'0,'.repeat(15_000)}0]`)).toEqual([
      expect.objectContaining({ id: null, line: expect.objectContaining({ code: 'MALFORMED' }) }),
    ])
  })
})

describe('a malformed frame of a stock client', () => {
  test.each([...malformed, ...chunks])('%s fails its whole message under id null [TL-STOCK-10]', async (_, frame) => {
    const client = await createRoom().connect({ stock: true })
    const refused = { id: null, error: expect.objectContaining({ code: -32_700 }) }
    expect(await answersTo(client, frame)).toEqual([refused])
    expect(await answersTo(client, [whoami(2), frame])).toEqual([refused])
  })
})
