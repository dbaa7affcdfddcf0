import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import {
  ask,
  createRandom,
  createRated,
  flood,
  isLimited,
  mutation,
  query,
  type RatedLine,
  sampleAll,
  subscription,
  text,
  use,
} from './rated-line.suite.ts'
import { principalOwner } from './window.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {}) // each deleted connection is logged
})

const rates = { connection: { publishedBytes: '51200/s' } } as const
/** Its window: 1,024,000 bytes in 20 s. */
const windowMs = 20_000
const budget = 1_024_000

async function useBytes(line: RatedLine, { connectionId }: TestClient, amount: number): Promise<void> {
  await use(line, { owner: connectionId, what: 'connection.publishedBytes', windowMs, amount })
  sampleAll(line)
}
const published = async ({ store }: RatedLine) => (await store.readSlots('room?room=s:x', 0, 9_999)).slots.length
const refused = { code: 'RATE_LIMITED', retry: 'later', mayHaveRun: true }

describe('a connection that publishes', () => {
  test.each([
    ['half of its bytes in small events is never refused', { bytes: 1_000, perSecond: 25, seconds: 20 }],
    ['half of its bytes in large events is never refused', { bytes: 30_000, perSecond: 1, seconds: 17 }],
  ])('%s [TL-RATE-3]', async (_, { bytes, ...rest }) => {
    const line = createRated({ rates })
    const client = await line.connect()
    const message = (n: number) => mutation(n, 'post', bytes)
    const { answers, sent } = await flood(line, client, { ...rest, message })
    expect([answers.filter(isLimited), line.deleted, await published(line)]).toEqual([[], [], sent])
  })
  test.each([
    ['small', 4_000, 51.2],
    ['large', 30_000, 6.8],
  ])('four times its bytes in %s events is refused and then deleted [TL-RATE-2]', async (_, bytes, perSecond) => {
    const line = createRated({ rates, seed: 3 })
    const client = await line.connect()
    const message = (n: number) => mutation(n, 'post', bytes)
    const { answers, sent } = await flood(line, client, { perSecond, seconds: 40, message })
    expect(line.deleted).toEqual([client.connectionId])
    expect((await line.store.readConnection(client.connectionId))?.state).toBe('CLOSED')
    const limited = answers.filter(isLimited)
    for (const answer of limited) expect(answer.line).toMatchObject(refused)
    expect(limited[0]?.error?.message).toMatch(
      /^Expected at most 51200\/s of published bytes from one connection, got more\./,
    )
    expect(await published(line)).toBe(sent - limited.length)
    expect(sent * bytes).toBeLessThan(3.5 * budget)
  })
  test('costs a tenth of a write for each KB at most', async () => {
    const line = createRated({ rates: { connection: { publishedBytes: '100000000/s' } } })
    const client = await line.connect()
    line.requests.length = 0
    for (let n = 0; n < 500; n++) await client.send(mutation(n, 'post', 1_010))
    const writes = line.requests.filter((request) => request === 'write addToRate').length
    expect(Math.abs(writes - 50)).toBeLessThan(4 * 6.8)
    line.requests.length = 0
    await client.send(query(1))
    expect(line.requests).toEqual([])
  })
})

describe('bytes count', () => {
  test.each([
    ['an event of a log', 'post'],
    ['an ephemeral event', 'type'],
    ['new data of a member of a presence', 'update'],
    ['the input of a stream', 'start'],
  ])('of %s, and beyond the rate it is not published [TL-RATE-3]', async (_, path) => {
    const line = createRated({ rates })
    const client = await line.connect()
    await client.send(subscription('s', 'joined'))
    await useBytes(line, client, budget)
    const before = await line.store.readSlots('here?room=s:x', 0, 99)
    expect(await ask(line, client, mutation(1, path, 10))).toMatchObject([{ id: 1, line: refused }])
    expect(await published(line)).toBe(0)
    expect(line.invoked.filter(({ name }) => name === 'worker')).toEqual([])
    expect(await line.store.readSlots('here?room=s:x', 0, 99)).toEqual(before)
  })
  test('of an update of nobody cost nothing', async () => {
    const line = createRated({ rates })
    const client = await line.connect()
    await useBytes(line, client, budget)
    expect((await ask(line, client, mutation(1, 'update', 10))).filter(isLimited)).toEqual([])
  })
  test('for a principal on all its connections', async () => {
    const authorize = () => ({ principal: 'ann', claims: {}, expiresAt: new Date(9_000_000_000_000) })
    const line = createRated({ rates: { principal: { publishedBytes: '51200/s' } }, authorize })
    const owner = principalOwner({ connectionId: '', sessionId: '', principal: 'ann' })
    await use(line, { owner, what: 'principal.publishedBytes', windowMs, amount: budget })
    sampleAll(line)
    for (const _ of [1, 2]) {
      const client = await line.connect({ token: 't' })
      expect(await ask(line, client, mutation(1, 'post', 10))).toMatchObject([{ line: refused }])
    }
  })
  test('once for a mutation with a key that is sent again', async () => {
    const line = createRated({ rates })
    const client = await line.connect()
    line.clock.random = () => 0
    line.requests.length = 0
    for (let n = 0; n < 3; n++) await client.send(mutation(1, 'post', 10, { key: 'own.k' }))
    expect(line.requests.filter((request) => request === 'write addToRate')).toHaveLength(1)
    line.clock.random = createRandom(1)
  })
  test('not for a script and not for what is invalid', async () => {
    const line = createRated({ rates })
    const client = await line.connect()
    await useBytes(line, client, 3 * budget)
    line.requests.length = 0
    await line.asScript(() => line.events.publish({ room: 'x' }, { text: text(100) }))
    await ask(line, client, { ...mutation(1, 'post', 10), params: { path: 'post', input: { room: 'x', text: 5 } } })
    expect(line.requests).not.toContain('write addToRate')
    expect(await published(line)).toBe(1)
    expect(line.deleted).toEqual([])
  })
})
