import { describe, expect, test } from 'vitest'
import type { Slot } from '../../ports/log.ts'
import { type Answer, isSettled, type Mutant } from '../calls/keyed-world.suite.ts'
import { rememberShards, shardHintsOf } from '../context/shard-hints.ts'
import { createRepairingClient, type RepairingClient } from '../delivery/repairing-client.suite.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import {
  createRoom,
  deliverRest,
  publish,
  type Room,
  say,
  slotsOf,
  topic,
  withOperations,
} from '../subscriptions/room.suite.ts'

const table = createScheduleTable('the crash sweep, every function killed at each of its port calls')

const hour = 3_600_000
const start = 1_800_000_000_000

/** Ann and cy are subscribed; cy is in the topic's second shard. Bob publishes. */
interface Scene extends Room {
  readonly effects: string[]
  readonly ann: RepairingClient
  readonly cy: RepairingClient
  readonly bob: RepairingClient
  /** Clients that are to have every event at the end. */
  readonly live: Set<RepairingClient>
}

async function scene(scheduler: Scheduler, mutant?: Mutant): Promise<Scene> {
  const effects: string[] = []
  const room = createRoom({
    scheduler,
    ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    createContext: () => ({ effects }),
    authorize: ({ token }) => ({ principal: 'ann', claims: {}, expiresAt: new Date(start + Number(token) * hour) }),
  })
  const client = async (connectionId: string) => createRepairingClient(await room.connect({ connectionId, token: '1' }))
  const [ann, cy, bob] = [await client('a'), await client('b'), await client('p')]
  await publish(room, 'first')
  await ann.subscribe()
  await room.store.growShards(topic, 1, 2)
  rememberShards(shardHintsOf(room.store), topic, 2)
  await cy.subscribe()
  await publish(room, 'missed') // slot 2, not posted yet
  return { ...room, effects, ann, cy, bob, live: new Set([ann, cy]) }
}

interface Sweep {
  /** The operation that is killed. */
  readonly run: (scene: Scene) => Promise<unknown>
  /** Runs before the operation. */
  readonly before?: (scene: Scene) => Promise<unknown>
  /**
   * Repairs a run that was killed: the client repeats a request without an answer, and the platform repeats
   * asynchronous work.
   */
  readonly repair: (scene: Scene) => Promise<unknown>
}

const auth = ({ ann }: Scene, hours: number) =>
  ann.client.send({ id: 4, method: 'auth', params: { token: String(hours) } })
const mutate =
  (path: string) =>
  ({ bob }: Scene) =>
    bob.client.send({
      id: 'm',
      method: 'mutation',
      params: { path, input: { room: 'x', text: 'once' }, key: 'own.k' },
    }) as Promise<Answer>
const deliverJob = (job: object) => (room: Scene) =>
  room.line.withBackend(room.backend, () => room.handlers.deliver({ topic, offset: 2, ...job }, {}))
const toCy = { to: [{ shard: 1, connectionId: 'b', id: '7' }] }
const streamOf = (room: Scene, slots: readonly Slot[]) => room.stream(slots.map((slot) => ({ topic, slot })))

/** Connects again as the same session, and resumes. */
async function comeBack(room: Scene, of: RepairingClient, connectionId: string): Promise<void> {
  room.live.delete(of)
  const back = createRepairingClient(await room.connect({ connectionId, token: '1' }), 'live', of.model)
  await back.subscribe()
  room.live.add(back)
}

const whole = (run: Sweep['run']): Sweep => ({ run, repair: run })

const sweeps: Readonly<Record<string, Sweep>> = {
  $connect: {
    run: ({ connect }) => connect({ connectionId: 'new', token: '1' }),
    repair: async (room) => comeBack(room, createRepairingClient(await room.connect({ token: '1' })), 'newer'),
  },
  $disconnect: {
    run: ({ cy }) => cy.client.disconnect(),
    repair: (room) => comeBack(room, room.cy, 'back'), // the gateway says it once; the rows go by a 410, or expire
  },
  subscribe: {
    run: ({ bob, live }) => {
      live.add(bob)
      return bob.subscribe()
    },
    repair: async () => {}, // its sync subscribes again
  },
  'subscribe again': whole(({ cy }) => cy.subscribe()),
  'subscription.stop': whole(({ cy }) => cy.stop()),
  sync: whole(({ cy }) => cy.sync()),
  auth: {
    run: (room) => auth(room, 3),
    repair: async (room) => {
      await auth(room, 3)
      // An `auth` that cannot read whether its token was revoked closes the connection, and the client comes back.
      const { connectionId } = room.ann.client
      if ((await room.store.readConnection(connectionId))?.state === 'CLOSED') await comeBack(room, room.ann, 'back')
    },
  },
  'query with a renewed authority': {
    before: async (room) => {
      for (const { client } of [room.ann, room.cy, room.bob])
        await client.send({ id: 4, method: 'auth', params: { token: '3' } })
      room.clock.time += 2 * hour
    },
    ...whole(({ ann }) => ann.client.send({ id: 'q', method: 'query', params: { path: 'whoami' } })),
  },
  'keyed mutation, repeatable': whole(mutate('tally')),
  'keyed mutation, not repeatable': whole(mutate('pay')),
  'mutation without a key': { run: ({ bob }) => say(bob.client, 'once'), repair: async () => {} },
  'publish with its own key': whole((room) =>
    room.asScript(() => room.events.publish({ room: 'x' }, { text: 'once' }, { idempotencyKey: 'k' })),
  ),
  'publish of a script': { run: (room) => publish(room, 'once'), repair: async () => {} },
  'deliver to an unknown audience': whole(deliverJob({})),
  'deliver to a shard': whole(deliverJob({ shard: 1 })),
  'deliver to one whose post failed': whole(deliverJob(toCy)),
  'deliver to one who is gone': {
    before: async (room) => {
      room.gateway.close('b')
      room.live.delete(room.cy)
    },
    ...whole(deliverJob(toCy)),
  },
  'table stream': whole(async (room) => streamOf(room, (await slotsOf(room)).slice(1, 2))),
}

const exploration = (
  name: string,
  { run, before, repair }: Sweep,
  others: Exploration<Scene>['operations'] = {},
  mutant?: Mutant,
): Exploration<Scene> => ({
  async world(scheduler) {
    const made = await scene(scheduler, mutant)
    await before?.(made)
    return made
  },
  operations: { [name]: run, ...others },
  kills: [name],
  async check(room, { killed, lost, returned }) {
    const stops = name === 'subscription.stop'
    if (stops) room.live.delete(room.cy)
    if (name === '$disconnect' || killed !== undefined || lost !== undefined) await repair(room)
    await everythingIsMended(room)
    await logIsClean(room, lost === undefined && returned.has(name))
    await rowsAreClean(room)
    if (name.startsWith('keyed')) await keyIsSettled(room, name.endsWith('not repeatable') ? 'pay' : 'tally')
  },
})

/**
 * Faults have stopped. The stream brings what it has, asynchronous work is done, and each client syncs, as with its
 * next keepalive.
 */
async function everythingIsMended(room: Scene): Promise<void> {
  room.clock.time += 120_000
  await deliverRest(room)
  for (const client of room.live) await client.sync()
  await publish(room, 'last')
  await deliverRest(room)
  const head = (await slotsOf(room)).length
  for (const client of room.live) {
    await client.sync()
    const { cursor, seen, gaps, behind } = client.model
    expect([Number(cursor().split(':')[1]), behind(), gaps]).toEqual([head, false, []]) // nothing lost, no gap signalled
    expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index)) // nothing doubled, nothing out of order
  }
}

async function logIsClean(room: Scene, answered: boolean): Promise<void> {
  const slots = await slotsOf(room)
  expect(slots.map(({ offset }) => offset)).toEqual(slots.map((_, index) => index + 1))
  const texts = slots.map(({ data }) => data)
  const once = texts.filter((data) => data?.includes('once')).length
  expect(once).toBeLessThanOrEqual(1)
  if (answered && room.effects.length > 0) expect(once).toBe(1)
  for (const known of ['first', 'missed', 'last']) expect(texts.filter((data) => data?.includes(known))).toHaveLength(1)
}

/**
 * Each subscriber has exactly one row, with its connection's authority. No other rows exist, since the last delivery
 * posted to every connection that is gone.
 */
async function rowsAreClean(room: Scene): Promise<void> {
  const rows = await Promise.all([0, 1].map((shard) => room.store.readSubscribers(topic, shard)))
  const live = rows.flatMap(({ subscribers }) => subscribers)
  const listening = [...room.live].map(({ client }) => client.connectionId)
  expect(live.map(({ connectionId }) => connectionId).sort()).toEqual(listening.sort())
  for (const row of live) {
    const connection = await room.store.readConnection(row.connectionId)
    expect(row.authExp).toBeLessThanOrEqual(connection?.authExp ?? 0) // a lower bound [LAW-SERVER-IDENTITY]
  }
}

async function keyIsSettled(room: Scene, path: string): Promise<void> {
  room.clock.time += 120_000
  const answers = [await mutate(path)(room), await mutate(path)(room)]
  expect(answers[0]).toEqual(answers[1])
  expect(answers.every(isSettled)).toBe(true) // no key is RUNNING for ever
  if (path === 'pay') expect(room.effects.length).toBeLessThanOrEqual(1)
}

const named = Object.entries(sweeps)

describe('a function killed at any port call, after which its client and the platform retry', () => {
  test.each(named)('%s: nothing is lost or doubled, and no row is left', (name, sweep) =>
    table.holds(name, exploration(name, sweep)),
  )
  test('the table’s stream with two events', () =>
    table.holds(
      'table stream of two events',
      exploration(
        'table stream',
        whole(async (room) => streamOf(room, await slotsOf(room))),
      ),
    ))
})

describe('the same with a concurrent publisher', () => {
  test.each(named)('%s: nothing is lost or doubled, and no row is left', (name, sweep) =>
    table.holds(
      `${name} ∥ publish`,
      exploration(name, sweep, { publish: (room) => say(room.bob.client, 'published') }),
    ),
  )
})

describe('a function that loses the response of any one request to the store', () => {
  test.each(named)('%s: nothing is lost or doubled, and no row is left', (name, sweep) =>
    table.holds(`${name}, an answer lost`, { ...exploration(name, sweep), kills: [], losses: [name] }),
  )
})

describe('the sweep finds', () => {
  const finds = (mutant: string, name: keyof typeof sweeps & string, broken: Mutant) =>
    table.catches(mutant, exploration(name, sweeps[name] as Sweep, {}, broken))
  test('a 410 that prunes nothing', () =>
    finds('a 410 that prunes nothing', '$disconnect', () => ({ deleteSubscriber: async () => {} })))
  test('a key that stays RUNNING forever', () =>
    finds('a lease without an end', 'keyed mutation, repeatable', (store) => ({
      claimKey: (claim) => store.claimKey({ ...claim, lease: Number.MAX_SAFE_INTEGER }),
    })))
  test('a stop that does not write its tombstone', () =>
    finds('no tombstone', 'subscription.stop', (store) => ({
      stopSubscriber: async () => 'stopped',
      stopSubscription: async (stop) => {
        const row = await store.readSubscription(stop.connectionId, stop.id)
        return { status: 'stopped', row: { ...row, ...stop, on: false }, wasLive: false }
      },
    })))
})
