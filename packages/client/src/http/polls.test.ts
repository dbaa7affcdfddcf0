import { afterEach, describe, expect, test, vi } from 'vitest'
import { HttpWorld } from '../testing/http-world.suite.ts'

const minute = 60_000
afterEach(() => vi.unstubAllGlobals())

async function live(): Promise<HttpWorld> {
  const world = new HttpWorld({ url: null, token: () => 'secret' })
  world.subscribe()
  await world.pass(1_000)
  expect(world.seen).toEqual(['started'])
  return world
}
/** A page with events, as in a browser. */
function stubPage() {
  const page = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('document', document)
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  return {
    show(visibilityState: 'visible' | 'hidden') {
      Object.assign(document, { visibilityState })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    fire: (type: string, persisted = false) => page.dispatchEvent(Object.assign(new Event(type), { persisted })),
  }
}

describe('Polls [TL-MOVE-3]', () => {
  test('come at the pace that the server names, and repeat what it said [TL-HTTP-9]', async () => {
    const world = await live()
    await world.pass(2 * minute)
    const polls = world.sent('sync').map(({ params, at }) => ({ poll: params?.poll, at }))
    expect(polls[0]?.poll).toBe(true)
    expect(polls[1]?.poll).toEqual({ nextMs: 1_000, verified: expect.any(Number) })
    expect(polls[2]?.poll).toMatchObject({ nextMs: 1_500 })
    const last = polls.slice(-2).map(({ at }) => at)
    expect((last[1] ?? 0) - (last[0] ?? 0)).toBeLessThan(15_100)
    expect(polls.length).toBeLessThan(16)
  })

  test('come at once after an own mutation, and quickly again after a call', async () => {
    const world = await live()
    await world.pass(2 * minute)
    const before = world.now
    await Promise.all([world.call('mutation', 'publish'), world.pass(100)])
    expect(world.seen).toEqual(['started', 'e:1'])
    const next = world.sent('sync').find(({ at }) => at > before)
    expect(next?.params?.poll).toEqual({ verified: expect.any(Number) })
  })

  test('an hour of sleep costs one sync and no new subscribe', async () => {
    const page = stubPage()
    const world = await live()
    await world.pass(minute)
    world.publish()
    const before = world.sent('sync').length
    await world.sleep(60 * minute)
    page.fire('online')
    page.show('visible')
    await world.pass(500)
    expect(world.sent('sync').length - before).toBe(1)
    expect(world.seen).toEqual(['started', 'e:1'])
    await world.pass(10_000)
    expect([world.sent('subscription').length, world.states.at(-1)]).toEqual([1, 'http'])
  })

  test('a request that was out when the machine slept does not lose the connection', async () => {
    const world = await live()
    world.fateOf = () => 'hangs'
    await world.pass(20_000)
    world.fateOf = () => 'ok'
    world.publish()
    await world.sleep(60 * minute)
    await world.pass(20_000)
    expect([world.sent('hello').length, world.sent('subscription').length]).toEqual([1, 1])
    expect(world.seen).toEqual(['started', 'e:1'])
  })

  test('of a hidden page come once a minute, and at once when it is shown', async () => {
    const page = stubPage()
    const world = await live()
    page.show('hidden')
    const before = world.sent('sync').length
    await world.pass(10 * minute)
    expect(world.sent('sync').length - before).toBeLessThanOrEqual(11)
    world.publish()
    page.show('visible')
    await world.pass(100)
    expect(world.seen).toEqual(['started', 'e:1'])
  })

  test('a page that comes back from the cache polls at once', async () => {
    const page = stubPage()
    const world = await live()
    await world.pass(2 * minute)
    page.fire('pagehide', true)
    expect(world.sent('close')).toEqual([])
    world.publish()
    page.fire('pageshow', true)
    await world.pass(100)
    expect(world.seen).toEqual(['started', 'e:1'])
  })

  test('a page that is left closes the connection once, by a request that outlives it', async () => {
    const page = stubPage()
    const world = await live()
    page.fire('pagehide')
    await world.pass(50)
    expect(world.requests.filter(({ keepalive }) => keepalive).map(({ frames }) => frames)).toEqual([
      [{ method: 'close' }],
    ])
    expect(world.open.size).toBe(0)
    void world.connection.close()
    await world.pass(50)
    expect(world.sent('close')).toHaveLength(1)
  })
})

describe('Requests [TL-MOVE-4]', () => {
  test('at most 4 are out; each call has its own, and it leaves at once while polls are out', async () => {
    const world = await live()
    const before = world.requests.length
    const calls = Array.from({ length: 10 }, (_, n) => world.call('query', `q${n}`))
    await world.pass(500)
    await Promise.all(calls)
    expect(world.mostOut).toBe(4)
    const own = world.requests.slice(before).filter(({ frames }) => frames.some(({ method }) => method === 'query'))
    expect(own.map(({ frames }) => frames.length)).toEqual(Array.from({ length: 10 }, () => 1))
  })

  test('subscribes of one moment leave together', async () => {
    const world = await live()
    const before = world.requests.length
    for (let n = 0; n < 10; n += 1) world.subscribe()
    await world.pass(100)
    const own = world.requests.slice(before).filter(({ frames }) => frames[0]?.method === 'subscription')
    expect(own.map(({ frames }) => frames.length)).toEqual([10])
  })

  test('the token travels in hello alone, and the session is in no address', async () => {
    const world = await live()
    await world.pass(minute)
    const [hello, ...others] = world.requests
    expect(hello?.headers.get('authorization')).toBe('Bearer secret')
    expect(hello?.headers.get('trunkline-connection')).toBeNull()
    for (const { headers } of others) {
      expect(headers.get('authorization')).toBeNull()
      expect(headers.get('trunkline-connection')).toBe('http-1')
      expect(headers.get('trunkline-session')).toBe(hello?.headers.get('trunkline-session'))
    }
  })

  test('a token is renewed by auth on the same connection, though its request may be lost [TL-AUTH-1]', async () => {
    const world = new HttpWorld({ url: null, token: () => 'secret' })
    world.authMs = 60 * minute
    world.subscribe()
    world.fateOf = ({ frames }) => (frames[0]?.method === 'auth' && world.sent('auth').length % 2 === 1 ? 'lost' : 'ok')
    await world.pass(6 * 60 * minute)
    expect(world.sent('auth').length).toBeGreaterThan(10)
    expect(world.states.filter((each) => each !== 'http')).toEqual(['connecting'])
    void world.connection.close()
  })

  test('close ends the connection and all timers', async () => {
    const world = await live()
    void world.connection.close()
    await world.pass(100)
    expect([world.sent('close').length, world.open.size, world.timers]).toEqual([1, 0, 0])
  })
})
