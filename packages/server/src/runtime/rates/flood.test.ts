// More than 200 lines: what each kind of frame adds to a rate has its place.
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { anonymous, type ConnectRequest } from '../../define/identity.ts'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import { publicSessionId } from '../context/public-session.ts'
import { chunked } from '../requests/chunked.suite.ts'
import {
  ask,
  createRated,
  flood,
  isLimited,
  mutation,
  query,
  type RatedLine,
  sampleAll,
  sampledAtLeast,
  subscription,
  use,
} from './rated-line.suite.ts'
import { principalOwner, windowOf } from './window.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {}) // each deleted connection is logged
})

const frames = { rates: { connection: { frames: '50/s' } } } as const
/** Its window: 1,000 frames in 20 s. */
const windowSeconds = 20
/** Makes `amount` of the rate of a connection used, and samples each further frame. */
async function useFrames(line: RatedLine, { connectionId }: TestClient, amount: number): Promise<void> {
  await use(line, { owner: connectionId, what: 'connection.frames', windowMs: windowSeconds * 1_000, amount })
  sampleAll(line)
}

/** What is used of the rate of a connection. */
const usedFrames = async ({ store, clock }: RatedLine, { connectionId }: TestClient) => {
  const { window, expires } = windowOf(connectionId, windowSeconds * 1_000, clock.now())
  return store.addToRate({ owner: connectionId, what: 'connection.frames', window, expires, amount: 0 })
}

const stateOf = async ({ store }: RatedLine, { connectionId }: { readonly connectionId: string }) =>
  (await store.readConnection(connectionId))?.state

describe('a connection that sends 0.5 times its rate', () => {
  test('is refused in a window with a probability below 10^-11, and deleted with one below 10^-50', () => {
    expect(sampledAtLeast(500, 101)).toBeLessThan(1e-11)
    expect(sampledAtLeast(500, 201)).toBeLessThan(1e-50)
  })
  test.each([1, 2, 3])('is never refused, by the random numbers of seed %d [TL-RATE-1]', async (seed) => {
    const line = createRated({ ...frames, seed })
    const client = await line.connect()
    const { answers, sent } = await flood(line, client, { perSecond: 25, seconds: 2 * windowSeconds })
    expect([sent, answers.filter(isLimited).length, line.deleted]).toEqual([1_000, 0, []])
  })
})

describe('a connection that sends as much as its rate', () => {
  test('is deleted in a window with a probability below 10^-20', () => {
    expect(sampledAtLeast(1_000, 201)).toBeLessThan(1e-20)
  })
  test.each([1, 2])('is not deleted, by the random numbers of seed %d [TL-RATE-2]', async (seed) => {
    const line = createRated({ ...frames, seed })
    const client = await line.connect()
    const { answers, sent } = await flood(line, client, { perSecond: 50, seconds: 2 * windowSeconds })
    expect(sent).toBe(2_000)
    expect(answers.filter(isLimited).length).toBeLessThan(60) // a standard deviation is 95 frames, of which 10 are sampled
    expect(line.deleted).toEqual([])
  })
})

describe('a connection that sends four times its rate', () => {
  test('is deleted within a window with a probability above 1 - 10^-11', () => {
    expect(1 - sampledAtLeast(4_000, 201)).toBeLessThan(1e-11)
  })
  test.each([1, 2, 3])('is deleted, by the random numbers of seed %d [TL-RATE-2]', async (seed) => {
    const line = createRated({ ...frames, seed })
    const client = await line.connect()
    line.clock.time += seed * 3_700 // somewhere in its window
    const { answers, sent } = await flood(line, client, { perSecond: 200, seconds: 2 * windowSeconds })
    expect(line.deleted).toEqual([client.connectionId])
    expect(sent).toBeLessThan(6_000)
    expect(await stateOf(line, client)).toBe('CLOSED')
    const limited = answers.filter(isLimited)
    expect(limited.length).toBeGreaterThan(20)
    for (const { line: refusal, error } of limited) {
      expect(refusal).toMatchObject({ retry: 'later', mayHaveRun: false })
      expect(refusal?.retryAfterMs).toBeGreaterThan(0)
      expect(refusal?.retryAfterMs).toBeLessThanOrEqual(windowSeconds * 1_000)
      expect(error?.data.code).toBe('TOO_MANY_REQUESTS')
      expect(error?.message).toMatch(
        /^Expected at most 50\/s of frames from one connection, got more\. .* in \d+ ms\.$/,
      )
    }
    expect(answers).toHaveLength(sent) // each frame was answered
  })
  test('is answered before it is deleted, and nothing of its last message runs [TL-RATE-2]', async () => {
    const line = createRated(frames)
    const client = await line.connect()
    await useFrames(line, client, 2_000)
    const answers = await ask(line, client, [query(1), { id: 2, method: 'hello' }, query(3)])
    expect(answers.filter(isLimited).map(({ id }) => id)).toEqual([1, 2, 3])
    expect([line.ran, line.deleted, client.frames().length]).toEqual([[], [client.connectionId], 3])
  })
  test('has no connection parameters looked at [TL-RATE-2]', async () => {
    const requests: ConnectRequest[] = []
    const authorize = (request: ConnectRequest): typeof anonymous => {
      requests.push(request)
      return anonymous
    }
    const line = createRated({ ...frames, authorize })
    const client = await line.connect({ stock: true, query: { connectionParams: '1' } })
    await useFrames(line, client, 2_000)
    requests.length = 0
    await client.send({ method: 'connectionParams', data: { token: 'ann' } })
    expect([requests, line.deleted]).toEqual([[], [client.connectionId]])
    expect(client.frames()).toMatchObject([{ id: null, error: { data: { code: 'TOO_MANY_REQUESTS' } } }])
  })
  test('logs one line, without a secret, however many messages are under way', async () => {
    const lines: unknown[] = []
    const recording = { measure: () => {}, end: () => {}, log: (entry: unknown) => void lines.push(entry) }
    const line = createRated({ ...frames, telemetry: { kind: 'test', begin: () => recording } })
    const client = await line.connect()
    await useFrames(line, client, 2_000)
    for (let n = 0; n < 3; n++) await client.send(query(n))
    const message = 'A connection was deleted, since it was above twice the rate of frames of one connection.'
    expect(lines).toEqual([{ level: 'WARN', message, facts: { connectionId: client.connectionId, rate: '50/s' } }])
  })
  test('stays open when the gateway cannot delete it, until its next sampled frame', async () => {
    const line = createRated(frames)
    const client = await line.connect()
    await useFrames(line, client, 2_000)
    const { disconnect } = line.gateway
    line.gateway.disconnect = async () => 'failed'
    const sending = ask(line, client, query(1))
    for (let n = 0; n < 5; n++) await line.clock.advance(0)
    expect(await sending).toMatchObject([{ id: 1, line: { code: 'RATE_LIMITED' } }])
    expect(await stateOf(line, client)).toBe('OPEN')
    line.gateway.disconnect = disconnect
    expect(await ask(line, client, query(2))).toMatchObject([{ id: 2, line: { code: 'RATE_LIMITED' } }])
    expect([line.ran, line.deleted, await stateOf(line, client)]).toEqual([[], [client.connectionId], 'CLOSED'])
  })
})

describe('a frame', () => {
  test('inside its rate costs 0.1 writes on average, and nothing else', async () => {
    const line = createRated({ rates: { connection: { frames: '1000000/s' } } })
    const client = await line.connect()
    line.requests.length = 0
    for (let n = 0; n < 2_000; n++) await client.send(query(n))
    expect(new Set(line.requests)).toEqual(new Set(['write addToRate']))
    expect(Math.abs(line.requests.length - 200)).toBeLessThan(4 * 13.4)
  })
  test('costs nothing on a line without rates', async () => {
    const line = createRated()
    const client = await line.connect()
    line.requests.length = 0
    let drawn = 0
    line.clock.random = () => ++drawn / 1_000
    for (let n = 0; n < 100; n++) await client.send(query(n))
    expect([line.requests, drawn]).toEqual([[], 0])
  })
  test('in an array counts as one that comes alone, in one write for a message [TL-RATE-3]', async () => {
    const line = createRated(frames)
    const client = await line.connect()
    line.requests.length = 0
    const message = (n: number) => Array.from({ length: 100 }, (_, at) => query(100 * n + at))
    const inside = await flood(line, client, { perSecond: 1, seconds: 5, message })
    expect(inside.answers.filter(isLimited)).toEqual([])
    expect(line.requests.length).toBeLessThanOrEqual(5)
    const above = await flood(line, client, { perSecond: 10, seconds: 2, message })
    expect(above.sent).toBeLessThan(20)
    expect(above.answers).toHaveLength(100 * above.sent)
    expect(line.deleted).toEqual([client.connectionId])
  })
  test('of an array is refused alone [TL-RATE-1]', async () => {
    const line = createRated(frames)
    const client = await line.connect()
    const message = (n: number) => Array.from({ length: 100 }, (_, at) => query(100 * n + at))
    const { answers } = await flood(line, client, { perSecond: 100, seconds: 0.15, message })
    const limited = answers.filter(isLimited).length
    expect([answers.length, line.deleted]).toEqual([1_500, []])
    expect(limited).toBeGreaterThan(10)
    expect(limited).toBeLessThan(150)
    expect(line.ran).toHaveLength(1_500 - limited)
  })
  test.each([
    ['a text that is not JSON', '{"id":1'],
    ['a malformed frame', { id: 1, method: 'query' }],
    ['a frame of an unknown method', { id: 1, method: 'unknown' }],
    ['PING', 'PING'],
    ['hello', { id: 'h', method: 'hello' }],
    ['a stop of an unknown id', { id: 1, method: 'subscription.stop' }],
    ['an empty array', []],
    ['a chunk', chunked(query('c'))[0]],
  ])('of any kind counts: %s [TL-RATE-3]', async (_, message) => {
    const line = createRated(frames)
    const client = await line.connect()
    await useFrames(line, client, 2_000)
    await client.send(message)
    expect(line.deleted).toEqual([client.connectionId])
  })
  test.each([
    ['hello', { id: 'h', method: 'hello' }],
    ['a stop', { id: 1, method: 'subscription.stop' }],
    ['a cancel', { id: 1, method: 'cancel' }],
    ['a ping', { method: 'ping' }],
  ])('that begins no work is counted and handled: %s [TL-RATE-1]', async (_, message) => {
    const line = createRated(frames)
    const client = await line.connect()
    await useFrames(line, client, 1_500)
    expect([(await ask(line, client, message)).filter(isLimited), line.deleted]).toEqual([[], []])
  })
  test.each([
    ['a sync', { id: 's', method: 'sync', params: { subscriptions: [] } }],
    ['an auth', { id: 'a', method: 'auth', params: { token: 't' } }],
    ['a chunk', { ...chunked(query('c'))[0], id: 'c' }],
    ['a subscribe', subscription(1)],
    ['a mutation', mutation(1, 'post', 1)],
  ])('that begins work is refused above the rate: %s [TL-RATE-1]', async (_, message) => {
    const line = createRated({
      ...frames,
      authorize: () => ({ principal: 'ann', claims: {}, expiresAt: new Date(9e12) }),
    })
    const client = await line.connect({ token: 't' })
    await useFrames(line, client, 1_500)
    const { id } = message as { readonly id: string }
    const expected = { id, line: { code: 'RATE_LIMITED', retry: 'later', mayHaveRun: false } }
    line.requests.length = 0
    expect(await ask(line, client, message)).toMatchObject([expected])
    expect([line.requests, line.ran, line.deleted]).toEqual([['write addToRate'], [], []])
  })
  test('is not refused while the table does not count', async () => {
    const line = createRated({
      ...frames,
      store: (inner) =>
        new Proxy(inner, { get: (target, name) => (name === 'addToRate' ? failing : Reflect.get(target, name)) }),
    })
    const client = await line.connect()
    sampleAll(line)
    const { answers } = await flood(line, client, { perSecond: 400, seconds: 0.1 })
    expect([answers.length, answers.filter(isLimited), line.deleted]).toEqual([40, [], []])
  })
})

const failing = async () => Promise.reject(new Error('no table'))

describe('a large message', () => {
  test('counts as its chunks and as its frames [TL-RATE-3]', async () => {
    const line = createRated(frames)
    const client = await line.connect()
    const all = Array.from({ length: 50 }, (_, at) => query(at))
    const [first, last] = chunked({ id: 'c' }, { text: JSON.stringify(all).padEnd(40_000) })
    sampleAll(line)
    expect(await client.send(first)).toBeUndefined()
    expect(await ask(line, client, last)).toHaveLength(50)
    expect(await usedFrames(line, client)).toBe(520)
    await useFrames(line, client, 1_000)
    await client.send(chunked({ id: 'd' }, { message: 'm2', text: JSON.stringify(all).padEnd(40_000) })[0])
    expect(await usedFrames(line, client)).toBe(1_530)
  })
})

describe('a rate of subscribes', () => {
  test('counts subscribes alone, and refuses the sampled ones above it [TL-RATE-1]', async () => {
    const line = createRated({ rates: { connection: { subscribes: '50/s' } } })
    const client = await line.connect()
    await use(line, { owner: client.connectionId, what: 'connection.subscribes', windowMs: 20_000, amount: 1_500 })
    sampleAll(line)
    expect((await ask(line, client, query(1))).filter(isLimited)).toEqual([])
    line.requests.length = 0
    const [refusal] = await ask(line, client, subscription(2))
    expect(refusal).toMatchObject({ id: 2, line: { code: 'RATE_LIMITED', mayHaveRun: false } })
    expect(refusal?.error?.message).toContain('50/s of subscribes from one connection')
    expect(line.requests).toEqual(['write addToRate'])
    const message = Array.from({ length: 60 }, (_, n) => subscription(n))
    expect((await ask(line, client, message)).filter(isLimited)).toHaveLength(60)
    expect(line.deleted).toEqual([client.connectionId])
  })
})

describe('a rate of a principal', () => {
  const rates = { principal: { frames: '50/s' } } as const
  const authorize = ({ token }: { readonly token: string | undefined }) => ({
    ...{ principal: token ?? 'none', claims: {}, expiresAt: new Date(9_000_000_000_000) },
  })
  const ofPrincipal = (principal: string | null, sessionId = '') => ({
    ...{ owner: principalOwner({ connectionId: '', principal, sessionId }), what: 'principal.frames' },
    ...{ windowMs: 20_000, amount: 1_500 },
  })
  test('is that of all its connections, and of no other principal [TL-RATE-1]', async () => {
    const line = createRated({ rates, authorize })
    await use(line, ofPrincipal('ann'))
    sampleAll(line)
    const limited = async (token: string) =>
      (await ask(line, await line.connect({ token }), query(1))).filter(isLimited)
    expect((await limited('ann')).map(({ error }) => error?.message)).toEqual([
      expect.stringContaining('50/s of frames from one caller'),
    ])
    expect([await limited('ann'), await limited('bob')]).toMatchObject([[{ id: 1 }], []])
  })
  test('deletes the connection whose frame was sampled, and follows the principal to the next [TL-RATE-2]', async () => {
    const line = createRated({ rates, authorize })
    const clients = [await line.connect({ token: 'ann' }), await line.connect({ token: 'ann' })]
    await use(line, { ...ofPrincipal('ann'), amount: 2_000 })
    sampleAll(line)
    for (const client of clients) await client.send(query(1))
    expect(line.deleted).toEqual(clients.map(({ connectionId }) => connectionId))
  })
  test('is that of the principal that announced parameters settle', async () => {
    const identify = (request: ConnectRequest) => {
      const user = request.connectionParams?.['user']
      return user === undefined ? anonymous : { principal: user, claims: {}, expiresAt: new Date(9_000_000_000_000) }
    }
    const line = createRated({ rates, authorize: identify, anonymousMay: 'everything' })
    await use(line, ofPrincipal('ann'))
    sampleAll(line)
    for (const user of ['ann', 'bob']) {
      const client = await line.connect({ stock: true, query: { connectionParams: '1' } })
      await client.send({ method: 'connectionParams', data: { user } })
      const [answer] = await ask(line, client, query(1))
      expect(answer?.error?.data.code).toBe(user === 'ann' ? 'TOO_MANY_REQUESTS' : undefined)
    }
  })
  test('is that of its session for an anonymous caller', async () => {
    const line = createRated({ rates })
    const session = 'session-of-many-0123456789'
    await use(line, ofPrincipal(null, publicSessionId(session)))
    sampleAll(line)
    const [same, other] = [await line.connect({ session }), await line.connect()]
    expect((await ask(line, same, query(1))).filter(isLimited)).toHaveLength(1)
    expect((await ask(line, other, query(1))).filter(isLimited)).toEqual([])
  })
})

test('a stock client is refused by the code of tRPC, and its PING is answered [TL-RATE-1]', async () => {
  const line = createRated(frames)
  const client = await line.connect({ stock: true })
  await useFrames(line, client, 1_500)
  const [refusal] = await ask(line, client, query(1))
  expect([refusal?.id, refusal?.error?.data.code, line.ran]).toEqual([1, 'TOO_MANY_REQUESTS', []])
  expect(await client.send('PING')).toBe('PONG')
})

test('a rate counts anew in the next window', async () => {
  const line = createRated(frames)
  const client = await line.connect()
  await useFrames(line, client, 1_500)
  const [refusal] = await ask(line, client, query(1))
  line.clock.time += refusal?.line?.retryAfterMs ?? 0
  expect((await ask(line, client, query(2))).filter(isLimited)).toEqual([])
})
