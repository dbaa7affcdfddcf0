// One file over 200 lines: the explored world and its checks belong together.

import type { ServerFrame } from '@trunkline/protocol'
import { expect, test } from 'vitest'
import type { Effect } from '../machine/effects.ts'
import { type SessionInput, type Timer, timerName } from '../machine/events.ts'
import { initialState, type SessionState } from '../machine/state.ts'
import { step } from '../step.ts'

/** One connection of the world: the frames in flight in both directions, and the server's state of it. */
interface Line {
  readonly status: 'waiting' | 'connecting' | 'open'
  readonly toServer: readonly string[]
  readonly toClient: readonly (readonly object[])[]
  /** The ref under which the subscription is registered, 0 for none. */
  readonly ref: number
}

/** The state of a hand-over: session, sockets, log, and the delivered events. It is immutable. */
interface World {
  readonly client: SessionState
  readonly timers: ReadonlyMap<string, Timer>
  readonly lines: ReadonlyMap<number, Line>
  readonly head: number
  readonly left: { readonly publishes: number; readonly losses: number; readonly closes: number }
  readonly delivered: readonly string[]
  readonly settled: number
  readonly handed: boolean
}

const network = { code: 'network', message: 'cut' } as const
const now = 3_600_000
const hello = { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } }
const fresh: Line = { status: 'waiting', toServer: [], toClient: [], ref: 0 }

function feed(world: World, input: SessionInput, at = now): World {
  const stepped = step(world.client, { ...input, now: at, wall: at, chance: 0 })
  return stepped.effects.reduce(perform, { ...world, client: stepped.state })
}

function withLine(world: World, socket: number, change: Partial<Line>): World {
  const line = { ...(world.lines.get(socket) ?? fresh), ...change }
  return { ...world, lines: new Map(world.lines).set(socket, line) }
}

function without(world: World, socket: number): World {
  const lines = new Map(world.lines)
  lines.delete(socket)
  return { ...world, lines }
}

/** The effects that a broken client would omit. */
let undone: Effect['type'] | undefined

function perform(world: World, effect: Effect): World {
  if (effect.type === undone) return world
  switch (effect.type) {
    case 'connect':
    case 'admit':
      return withLine(world, effect.socket, { ...fresh, status: 'connecting' })
    case 'replace':
      return withLine(world, effect.socket, fresh)
    case 'drop':
      return without(world, effect.socket)
    case 'disconnect':
      return { ...world, lines: new Map() }
    case 'send': {
      const line = world.lines.get(effect.socket)
      return line?.status === 'open'
        ? withLine(world, effect.socket, { toServer: [...line.toServer, effect.text] })
        : world
    }
    case 'deliver':
      return { ...world, delivered: [...world.delivered, String(effect.result.id)] }
    case 'answer':
    case 'fail':
      return { ...world, settled: world.settled + 1 }
    case 'gap':
      throw new Error('a gap was reported, and there is none')
    case 'arm':
      return { ...world, timers: new Map(world.timers).set(timerName(effect.timer), effect.timer) }
    case 'cancel': {
      const timers = new Map(world.timers)
      timers.delete(timerName(effect.timer))
      return { ...world, timers }
    }
    case 'cancel-all':
      return { ...world, timers: new Map() }
    default:
      return world
  }
}

const event = (offset: number) => ({ id: 1, result: { type: 'data', id: `e:${offset}`, data: offset } })
const eventsAfter = (world: World, offset: number) =>
  Array.from({ length: world.head - offset }, (_, at) => event(offset + at + 1))
const offsetOf = (cursor: string | undefined, otherwise: number) =>
  cursor === undefined ? otherwise : Number(cursor.split(':')[1])

/** The server's answer to one frame, as in PROTOCOL.md. */
function answer(world: World, line: Line, text: string): { readonly frames: readonly object[]; readonly ref: number } {
  const frame = JSON.parse(text)
  const head = `e:${world.head}`
  switch (frame.method) {
    case 'hello':
      return { frames: [{ id: frame.id, result: hello }], ref: line.ref }
    case 'subscription': {
      const { ref, lastEventId } = frame.params
      if (ref <= Math.abs(line.ref)) return { frames: [], ref: line.ref }
      const from = offsetOf(lastEventId, world.head)
      return {
        frames: [{ id: 1, result: { type: 'started', ref, from: `e:${from}`, head } }, ...eventsAfter(world, from)],
        ref,
      }
    }
    case 'sync': {
      const [asked] = frame.params.subscriptions
      const done = { id: frame.id, result: { type: 'data' } }
      if (line.ref !== asked.ref) {
        const lost = { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: false }
        return { frames: [{ id: 1, error: {}, line: lost }, done], ref: line.ref }
      }
      const from = offsetOf(asked.from, 0)
      return {
        frames: [{ id: 1, result: { type: 'synced', from: asked.from, head } }, ...eventsAfter(world, from), done],
        ref: line.ref,
      }
    }
    case 'subscription.stop':
      return { frames: [{ id: 1, result: { type: 'stopped' } }], ref: -frame.params.ref } // a stopped id stays stopped
    case 'query':
      return { frames: [{ id: frame.id, result: { type: 'data', data: 'answered' } }], ref: line.ref }
    default:
      return { frames: [{ pong: true }], ref: line.ref }
  }
}

/** All possible next events. Frames and messages may overtake each other. */
function next(world: World): readonly World[] {
  const worlds: World[] = []
  for (const [socket, line] of world.lines) {
    if (line.status === 'connecting')
      worlds.push(feed(withLine(world, socket, { status: 'open' }), { type: 'opened', socket }))
    if (line.status !== 'open') continue
    for (const [at, text] of line.toServer.entries()) {
      const { frames, ref } = answer(world, line, text)
      const toClient = frames.length === 0 ? line.toClient : [...line.toClient, frames]
      worlds.push(
        withLine(world, socket, { toServer: line.toServer.filter((_, index) => index !== at), toClient, ref }),
      )
    }
    for (const [at, frames] of line.toClient.entries()) {
      const taken = withLine(world, socket, { toClient: line.toClient.filter((_, index) => index !== at) })
      worlds.push(feed(taken, { type: 'message', socket, frames: frames as readonly ServerFrame[], size: 10 }))
    }
    if (world.left.losses > 0) {
      const cut = { ...withLine(world, socket, fresh), left: { ...world.left, losses: world.left.losses - 1 } }
      worlds.push(feed(cut, { type: 'lost', socket, cause: network }))
    }
  }
  if (world.left.publishes > 0) {
    const published = { ...world, head: world.head + 1, left: { ...world.left, publishes: world.left.publishes - 1 } }
    const registered = [...world.lines].filter(([, line]) => line.status === 'open' && line.ref > 0)
    worlds.push(
      registered.reduce(
        (to, [socket, line]) => withLine(to, socket, { toClient: [...line.toClient, [event(published.head)]] }),
        published as World,
      ),
    )
  }
  if (!world.handed) worlds.push(fire({ ...world, handed: true }, 'handover'))
  if (world.timers.has('drain')) worlds.push(fire(world, 'drain'))
  if (world.left.closes > 0)
    worlds.push(feed({ ...world, left: { publishes: 0, losses: 0, closes: 0 } }, { type: 'close' }))
  return worlds
}

function fire(world: World, name: string): World {
  const timer = world.timers.get(name)
  if (timer === undefined) return world
  const timers = new Map(world.timers)
  timers.delete(name)
  return feed({ ...world, timers }, { type: 'timer', timer })
}

/** Fires the timers that are still due: back-off, gap timers, attempts without an answer. */
function settleByTime(world: World): readonly World[] {
  const due = [...world.timers.keys()].filter((name) => /^(retry|gap|started|closing)/.test(name))
  return due.map((name) => fire(world, name))
}

/** Explores every order of the events, each world once, and checks each final state. */
function exhaust(start: World): { readonly worlds: number; readonly ends: number } {
  const seen = new Set<string>()
  const stack = [start]
  let ends = 0
  for (let world = stack.pop(); world !== undefined; world = stack.pop()) {
    const key = JSON.stringify(world, (_, value) => (value instanceof Map ? [...value] : value))
    if (seen.has(key)) continue
    seen.add(key)
    expect(world.lines.size, 'never more than two sockets [TL-HAND-3]').toBeLessThanOrEqual(2)
    expect(world.settled, 'a call settles once').toBeLessThanOrEqual(1)
    expect(world.delivered, 'once each and in order').toEqual(world.delivered.map((_, at) => `e:${at + 5}`))
    const busy = [...world.lines.values()].some(
      ({ status, toServer, toClient }) => status === 'connecting' || toServer.length + toClient.length > 0,
    )
    const after = [...next(world), ...(busy ? [] : settleByTime(world))]
    if (!busy && settleByTime(world).length === 0 && !world.timers.has('drain')) {
      ends += 1
      checkEnd(world)
    }
    stack.push(...after)
  }
  return { worlds: seen.size, ends }
}

function checkEnd(world: World) {
  const closed = world.client.phase === 'closed'
  expect(world.lines.size, 'one socket at rest, none after close [TL-HAND-3]').toBe(closed ? 0 : 1)
  expect(world.settled, 'the call was settled').toBe(1)
  if (!closed) expect(world.delivered, 'nothing is lost').toHaveLength(world.head - 4)
}

/** A client with one live log at e:4 and a query in flight. */
function live(left: World['left']): World {
  let world: World = {
    client: initialState,
    timers: new Map(),
    lines: new Map(),
    head: 4,
    left,
    delivered: [],
    settled: 0,
    handed: false,
  }
  world = feed(world, { type: 'subscribe', subscription: { id: 1, path: 'live', input: null, handlesGaps: true } }, 0)
  const [socket = 0] = world.lines.keys()
  world = feed(withLine(world, socket, { status: 'open' }), { type: 'opened', socket }, 0)
  for (let transition = 0; transition < 4; transition += 1) {
    const line = world.lines.get(socket) ?? fresh
    const [text] = line.toServer
    if (text === undefined) break
    const { frames, ref } = answer(world, line, text)
    world = withLine(world, socket, { toServer: line.toServer.slice(1), ref })
    world = feed(world, { type: 'message', socket, frames: frames as readonly ServerFrame[], size: 10 }, 0)
  }
  const call = {
    id: 2,
    method: 'query',
    text: '{"id":2,"method":"query"}',
    key: null,
    mayHaveRun: false,
    bytes: 10,
    timeoutMs: 1e9,
    nonce: null,
    resends: true,
  } as const
  return feed(world, { type: 'call', call })
}

test.each([
  ['three publishes', { publishes: 3, losses: 0, closes: 0 }],
  ['two publishes and two lost sockets, old or new', { publishes: 2, losses: 2, closes: 0 }],
  ['a publish, a lost socket and a close', { publishes: 1, losses: 1, closes: 1 }],
])(
  'a hand-over with %s loses, duplicates and leaks nothing in any order of its frames, pushes and timers [TL-HAND-2] [TL-HAND-3] [LAW-TWO-SOCKETS]',
  (name, left) => {
    const { worlds, ends } = exhaust(live(left))
    console.log(`hand-over ∥ ${name}: ${worlds.toLocaleString('en')} states, ${ends.toLocaleString('en')} ends`)
    expect(ends).toBeGreaterThan(0)
  },
)

test.each([
  ['does not drop the old socket', 'drop'],
  ['does not drop its sockets at a close', 'disconnect'],
  ['does not reconnect after a loss', 'admit'],
] as const)('a client that %s is found', (_, effect) => {
  undone = effect
  try {
    expect(() => exhaust(live({ publishes: 1, losses: 1, closes: 1 }))).toThrow()
  } finally {
    undone = undefined
  }
})
