import { describe, expect, test } from 'vitest'
import { type Fate, HttpWorld } from '../testing/http-world.suite.ts'

/** A world without sockets, with a live subscription. */
async function live(): Promise<HttpWorld> {
  const world = new HttpWorld({ url: null })
  world.subscribe()
  await world.pass(1_000)
  expect(world.seen).toEqual(['started'])
  return world
}
const hour = 3_600_000

describe('A lost request is not a lost connection', () => {
  const fates: readonly [string, Fate][] = [
    ['lost', 'lost'],
    ['without an answer', 'unanswered'],
    ['doubled', 'doubled'],
    ['cut in the middle', 'cut'],
    ['answered by a portal', { status: 200, body: '<html>Log in</html>', headers: { 'content-type': 'text/html' } }],
    ['answered by a portal as JSON', { status: 200, body: '{"login":true}' }],
    ['answered with 429', { status: 429, headers: { 'retry-after': '1' } }],
    ['answered with 502', { status: 502, body: '{"message":"Bad gateway"}' }],
    ['answered with 503', { status: 503, body: '{"reason":"unavailable"}', headers: { 'retry-after': '1' } }],
    ['answered with 504', { status: 504 }],
  ]
  test.each(fates)(
    'each second request %s: every event comes once, and calls have one effect [TL-MOVE-1] [TL-MOVE-2]',
    async (_, fate) => {
      const world = await live()
      world.fateOf = (_, n) => (n % 2 === 0 ? fate : 'ok')
      const calls = [world.call('query', 'q'), world.call('mutation', 'publish'), world.call('mutation', 'm')]
      await world.pass(20_000)
      expect(await Promise.all(calls)).toEqual(['q', 'publish', 'm'])
      expect(world.effects).toHaveLength(2)
      for (let n = 0; n < 5; n += 1) {
        world.publish()
        await world.pass(5_000)
      }
      await world.pass(30_000)
      expect(world.seen).toEqual(['started', 'e:1', 'e:2', 'e:3', 'e:4', 'e:5', 'e:6'])
      expect([world.sent('hello').length, world.sent('subscription').length]).toEqual([1, 1])
      await world.connection.close()
    },
  )

  test('a mutation without a key fails if its request is lost, and runs once after 429 [TL-MOVE-2]', async () => {
    const world = await live()
    world.fates.push('unanswered')
    const lost = world.call('mutation', 'm', false)
    await world.pass(1_000)
    expect(await lost).toBe('CONNECTION_LOST may have run')
    world.fates.push({ status: 429, headers: { 'retry-after': '3' } })
    const throttled = world.call('mutation', 'm', false)
    await world.pass(5_000)
    expect([await throttled, world.effects.length]).toEqual(['m', 2])
  })

  test('a loss of 5 % for an hour, with polls each second, subscribes never again', async () => {
    const world = await live()
    world.fateOf = () => (world.random() < 0.05 ? 'unanswered' : 'ok')
    for (let second = 0; second < hour / 1_000; second += 1) {
      world.publish()
      await world.pass(1_000)
    }
    expect(world.requests.length).toBeGreaterThan(3_000)
    expect([world.sent('hello').length, world.sent('subscription').length]).toEqual([1, 1])
    world.fateOf = () => 'ok'
    await world.pass(20_000)
    expect(world.seen.slice(1)).toEqual(Array.from({ length: world.head }, (_, at) => `e:${at + 1}`))
  })

  test('requests that are all lost lose the connection, which opens again and misses nothing', async () => {
    const world = await live()
    world.fateOf = () => 'lost'
    world.publish()
    await world.pass(20_000)
    expect(world.states.slice(0, 3)).toEqual(['connecting', 'http', 'reconnecting'])
    world.fateOf = () => 'ok'
    await world.pass(30_000)
    expect([world.states.at(-1), world.seen]).toEqual(['http', ['started', 'started', 'e:1']])
  })

  test('three lost requests in a row keep the connection if they take less than 5 s', async () => {
    const world = await live()
    world.fates.push('lost', 'lost', 'lost')
    world.publish()
    await world.pass(10_000)
    expect([world.sent('hello').length, world.seen]).toEqual([1, ['started', 'e:1']])
  })

  test('requests that hang lose the connection after 30 s', async () => {
    const world = await live()
    world.fateOf = () => 'hangs'
    await world.pass(25_000)
    expect(world.states.at(-1)).toBe('http')
    await world.pass(10_000)
    expect(world.states.at(-1)).toBe('reconnecting')
  })

  test('the server is asked again after the wait that it named', async () => {
    const world = await live()
    const before = world.requests.length
    world.fates.push({ status: 503, body: '{"reason":"unavailable"}', headers: { 'retry-after': '7' } })
    const query = world.call('query')
    await world.pass(6_900)
    expect(world.requests.length).toBe(before + 1)
    await world.pass(1_000)
    expect(await query).toBe('a')
  })
})

describe('A connection that the server has ended', () => {
  test.each(['expired', 'unknown'])(
    'for the reason %s is opened again, and nothing is missed [TL-HTTP-4]',
    async (reason) => {
      const world = await live()
      world.publish()
      world.fates.push({ status: 410, body: JSON.stringify({ reason }) })
      await world.pass(5_000)
      expect(world.seen).toEqual(['started', 'started', 'e:1'])
      expect([world.sent('hello').length, world.sent('close').length]).toEqual([2, 0])
    },
  )

  test('by a kick is closed, with the reason; after a ban it opens again [TL-KICK-5]', async () => {
    const world = await live()
    world.fates.push({ status: 410, body: '{"reason":"kicked","message":"Be nice."}' })
    await world.pass(5_000)
    expect(world.connection.state).toMatchObject({ status: 'closed', cause: { code: 'kicked', message: 'Be nice.' } })
    const banned = await live()
    const until = banned.now + 60_000
    banned.fates.push({ status: 410, body: JSON.stringify({ reason: 'kicked', message: 'Wait.', until }) })
    await banned.pass(5_000)
    expect(banned.connection.state).toMatchObject({ status: 'closed', cause: { code: 'kicked', until } })
    await banned.pass(70_000)
    expect(banned.seen).toEqual(['started', 'started'])
  })

  test('a request that the server refuses as it is fails its call, and no other', async () => {
    const world = await live()
    world.fates.push({ status: 413, body: '{"reason":"too-large","message":"Too large."}' })
    const [large, other] = [world.call('query', 'large'), world.call('query', 'other')]
    await world.pass(2_000)
    expect([await large, await other, world.states.at(-1)]).toEqual(['TOO_LARGE', 'other', 'http'])
  })

  test('a hello that is refused with 403 is tried again, as a socket is', async () => {
    const world = new HttpWorld({ url: null })
    world.fateOf = () => ({ status: 403, body: '{"reason":"origin"}' })
    void world.call('query')
    await world.pass(20_000)
    expect(world.connection.state).toMatchObject({ status: 'reconnecting', cause: { code: 'network' } })
    world.fateOf = () => 'ok'
    await world.pass(30_000)
    expect(world.states.at(-1)).toBe('http')
  })
})
