import { afterEach, describe, expect, test } from 'vitest'
import { HttpWorld, type SocketFate } from '../testing/http-world.suite.ts'

const minute = 60_000
const worlds: HttpWorld[] = []
function createWorld(socketFate: SocketFate): HttpWorld {
  const world = new HttpWorld()
  world.socketFate = socketFate
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0)) {
    expect(world.mostTransports).toBeLessThanOrEqual(2) // [LAW-TWO-SOCKETS]
    void world.connection.close()
    await world.pass(40_000)
    expect([world.open.size, [...world.sockets].filter((each) => each.isAlive).length]).toEqual([0, 0])
    expect(world.timers).toBe(0)
  }
})

/** A world whose connection is over HTTP, since no socket can be opened, with a live subscription. */
async function blocked(): Promise<HttpWorld> {
  const world = createWorld('blocked')
  world.subscribe()
  await world.pass(5_000)
  expect([world.states.at(-1), world.seen]).toEqual(['http', ['started']])
  return world
}

describe('A socket that is not greeted within 4 s [TL-MOVE-5]', () => {
  test.each(['blocked', 'hangs', 'mute', 'cut after opening'] as const)(
    'because it is or was %s: HTTP is used',
    async (fate) => {
      const world = createWorld(fate)
      world.subscribe()
      await world.pass(3_900)
      expect(world.requests).toEqual([])
      await world.pass(1_000)
      expect(world.connection.state).toEqual({ status: 'open', transport: 'http' })
      await world.pass(1_000)
      expect(world.seen).toEqual(['started'])
    },
  )

  test('while the socket works, no request is sent', async () => {
    const world = createWorld('works')
    world.subscribe()
    await world.pass(10 * minute)
    expect([world.connection.state, world.requests]).toEqual([{ status: 'open', transport: 'socket' }, []])
  })

  test('the socket is used if it is greeted first', async () => {
    const world = createWorld('hangs')
    world.fateOf = () => 'hangs'
    world.subscribe()
    await world.pass(5_000)
    expect(world.requests).toHaveLength(1)
    world.socketFate = 'works'
    await world.pass(16_000) // the attempt that hung is given up, and the next one works
    expect(world.connection.state).toEqual({ status: 'open', transport: 'socket' })
    world.publish()
    await world.pass(60_000)
    expect(world.seen).toEqual(['started', 'e:1'])
  })

  test('a connection that is cut is greeted over HTTP within the 15 s grace of presence, with a cold function', async () => {
    const world = createWorld('works')
    world.subscribe()
    await world.pass(5 * minute)
    world.socketFate = 'hangs'
    world.helloMs = 6_000
    for (const socket of world.sockets) socket.lose()
    await world.pass(14_000)
    expect([world.connection.state, world.seen]).toEqual([
      { status: 'open', transport: 'http' },
      ['started', 'started'],
    ])
  })

  test('an outage of the whole network ends on a socket, though HTTP would be as quick', async () => {
    const world = createWorld('works')
    world.subscribe()
    await world.pass(5 * minute)
    world.socketFate = 'blocked'
    world.fateOf = () => 'lost'
    for (const socket of world.sockets) socket.lose()
    await world.pass(30_000)
    world.socketFate = 'works'
    world.fateOf = () => 'ok'
    await world.pass(20_000)
    expect(world.connection.state).toEqual({ status: 'open', transport: 'socket' })
    expect(world.states.filter((state) => state === 'http')).toEqual([])
  })
})

describe('A probe [TL-MOVE-7]', () => {
  test.each(['blocked', 'hangs', 'mute', 'cut after opening'] as const)('that %s disturbs nothing', async (fate) => {
    const world = await blocked()
    world.socketFate = fate
    for (let n = 0; n < 60; n += 1) {
      world.publish()
      await world.pass(minute)
    }
    expect(world.seen.slice(1)).toEqual(Array.from({ length: 60 }, (_, at) => `e:${at + 1}`))
    expect([world.states.at(-1), world.sent('hello').length, world.sent('subscription').length]).toEqual(['http', 1, 1])
  })

  test('moves the session to the socket, and nothing is lost or doubled', async () => {
    const world = await blocked()
    world.socketFate = 'works'
    for (let n = 0; n < 60; n += 1) {
      world.publish()
      void world.call('mutation', 'publish')
      await world.pass(1_000)
    }
    await world.pass(5_000)
    expect(world.connection.state).toEqual({ status: 'open', transport: 'socket' })
    expect(world.states.filter((state) => state === 'reconnecting' || state === 'connecting').length).toBeGreaterThan(0)
    expect(world.seen).toEqual(['started', ...Array.from({ length: world.head }, (_, at) => `e:${at + 1}`)])
    expect([world.open.size, world.sent('close').length]).toEqual([0, 1])
  })

  test('is made after 30 s, and then after twice the time, up to 10 min', async () => {
    const world = await blocked()
    const begin = world.now
    const before = world.attempts.length
    await world.pass(60 * minute)
    const starts = world.attempts.slice(before).map((at) => Math.round((at - begin) / 1_000))
    const gaps = starts.map((at, n) => at - (starts[n - 1] ?? 0))
    for (const [n, gap] of gaps.entries()) {
      const ms = Math.min(600, 30 * 2 ** n)
      expect(gap).toBeGreaterThan(ms * 0.75)
      expect(gap).toBeLessThan(ms * 1.25 + 3)
    }
    expect(gaps.length).toBeGreaterThan(6)
  })
})

describe('Sockets that flap', () => {
  test('three that die within a minute move the session to HTTP, and it moves at most once a minute', async () => {
    const world = createWorld('works')
    world.subscribe()
    const moves: number[] = []
    world.connection.subscribe((state) => {
      if (state.status !== 'open') return
      if (state.transport !== last) moves.push(world.now)
      last = state.transport
    })
    let last = 'socket'
    for (let n = 0; n < 240; n += 1) {
      await world.pass(5_000)
      for (const socket of world.sockets) if (socket.isAlive) socket.lose()
      world.publish()
    }
    expect(moves.length).toBeGreaterThan(1)
    for (const [n, at] of moves.entries()) expect(at - (moves[n - 1] ?? 0)).toBeGreaterThanOrEqual(minute)
    await world.pass(20_000)
    expect(world.seen.filter((each) => each !== 'started')).toEqual(
      Array.from({ length: world.head }, (_, at) => `e:${at + 1}`),
    )
  })
})

describe('Over HTTP', () => {
  test('a new sign-in and an old connection move to another connection over HTTP', async () => {
    const world = await blocked()
    const signedIn = world.connection.signIn()
    await world.pass(12_000)
    await signedIn
    const sessions = world.requests.map(({ headers }) => headers.get('trunkline-session'))
    expect(new Set(sessions).size).toBe(2)
    expect([world.states.at(-1), world.sent('hello').length, world.open.size]).toEqual(['http', 2, 1])
  })

  test('a hand-over ends a probe, since they would be three transports [LAW-TWO-SOCKETS]', async () => {
    const world = await blocked()
    world.socketFate = 'hangs'
    while (world.liveSockets === 0) await world.pass(1_000)
    await Promise.all([world.connection.signIn(), world.pass(15_000)])
    expect([world.mostTransports, world.states.at(-1)]).toEqual([2, 'http'])
  })
})
