import { defined } from '@trunkline/protocol'
import { expect } from 'vitest'
import type { PresenceRules } from '../../define/definition.ts'
import { createFakeClock, type FakeClock } from '../../lambda/test-line.suite.ts'
import { createMemoryStore } from '../../memory/store.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { Store } from '../../ports/store.ts'
import { type InvocationContext, type RuntimeContext, toRuntimeContext } from '../context/runtime-context.ts'
import { countOperations, type Ended, type Scheduler } from '../explore.suite.ts'
import { replayNewest } from '../log/replay.ts'
import { appendStreamed } from './append-from-stream.ts'
import { renewSession } from './renew-lease.ts'
import { disconnectSession } from './rows/disconnect-session.ts'
import { living } from './rows/member-row.ts'
import type { SessionRef } from './rows/update-session.ts'
import { type PresenceSlot, toPresenceSlot } from './rows/views.ts'
import { joinSession, leaveSession } from './session.ts'
import { snapshotMembers } from './snapshot.ts'
import { pagesOf, sweepIfDue } from './sweep.ts'
import { updatePresence } from './update.ts'

export const log = { topic: 'here?room=s:x', retentionMs: 24 * 3_600_000 }
export const times = { graceMs: 15_000, leaseMs: 720_000 }

/** The members of a snapshot, and its offset in the log. */
export interface Seen {
  readonly at: number
  readonly members: ReadonlyMap<string, unknown>
}

/** One presence topic, on the production code with its store's calls scheduled. */
export interface PresenceWorld {
  /** A new context at each read, since each operation is a separate function. */
  readonly context: RuntimeContext
  readonly store: Store
  readonly clock: FakeClock
  readonly rules: PresenceRules
  /** The checks that were scheduled. */
  readonly later: unknown[]
  readonly seen: Seen[]
}

/** Every call of the store passes at once: for a world whose operations come one after another. */
export const answering: Scheduler = { at: async () => 'answered', store: (store) => store }

/** A `merge`: a member is away where all sessions are. */
export const awayIfAll: NonNullable<PresenceRules['merge']> = (sessions) =>
  sessions.find((each) => each === '{}') ?? sessions[0]

export interface PresenceWorldOptions {
  /** Runs before the operations. */
  readonly begin?: ((world: PresenceWorld) => Promise<unknown>) | undefined
  /** Wraps the store, to add a mutant. */
  readonly wrap?: ((store: Store) => Store) | undefined
  /** In addition to its times. */
  readonly merge?: PresenceRules['merge'] | undefined
}

/** A world without members, after `begin`. */
export async function createPresenceWorld(
  scheduler: Scheduler,
  { begin = async () => {}, wrap = (store) => store, merge }: PresenceWorldOptions = {},
): Promise<PresenceWorld> {
  const clock = createFakeClock()
  const store = createMemoryStore({ clock })
  const later: unknown[] = []
  const rules = { ...times, ...defined({ merge }) }
  const invoker = {
    kind: 'memory',
    invoke: async () => {},
    invokeDelayed: async (payload: unknown) => void later.push(payload),
  }
  const own = {
    channelOf: () => undefined,
    retentionOf: () => log.retentionMs,
    presenceOf: () => rules,
    enter: <T>(_: RuntimeContext, fn: () => T) => fn(),
  }
  const backend = { store: scheduler.store(wrap(store), countOperations), invoker, clock }
  const world: PresenceWorld = {
    get context() {
      return toRuntimeContext(backend, own)
    },
    ...{ store, clock, rules, later, seen: [] },
  }
  await replayNewest(world.context, log, 0) // the topic has a beginning
  await begin(world)
  return world
}

/** A session of a member, by one of its attempts: its connection's id has the attempt's number. */
const sessionRef = (member: string, tab: string, ref = 1): SessionRef => ({
  log,
  key: { member, entry: tab },
  ref,
  connectionId: `${tab}${ref}`,
})

export const join =
  (member: string, tab: string, ref = 1, data = '{}') =>
  ({ context }: PresenceWorld) =>
    joinSession(context, sessionRef(member, tab, ref), { data, lease: (now) => now + times.leaseMs })
export const leave =
  (member: string, tab: string, ref = 1) =>
  ({ context }: PresenceWorld) =>
    leaveSession(context, sessionRef(member, tab, ref))
export const lose =
  (member: string, tab: string, ref = 1) =>
  ({ context }: PresenceWorld) =>
    disconnectSession(context, sessionRef(member, tab, ref))
export const renew =
  (member: string, tab: string, ref = 1) =>
  ({ context }: PresenceWorld) =>
    renewSession(context, sessionRef(member, tab, ref), times)
export const sweep = ({ context }: PresenceWorld) => sweepIfDue(context, log, times)
export const update =
  (sessionId: string, data: string, principal: string | null = null) =>
  ({ context }: PresenceWorld) =>
    updatePresence({ ...context, caller: { connectionId: 'none', principal, sessionId } }, log, data)
export async function look(world: PresenceWorld): Promise<void> {
  const { found, state } = await snapshotMembers(world.context, log, await replayNewest(world.context, log, 0))
  world.seen.push({ at: found.from.offset, members: new Map(state.members.map(({ member, data }) => [member, data])) })
}

export async function changesOf({ store }: Pick<PresenceWorld, 'store'>) {
  const { slots } = await store.readSlots(log.topic, 0, 10_000)
  return slots.map((slot) => ({ offset: slot.offset, id: slot.publishId, change: toPresenceSlot(slot) }))
}

export async function rowsOf({
  store,
  clock,
}: Pick<PresenceWorld, 'store' | 'clock'>): Promise<readonly PresenceRow[]> {
  const rows: PresenceRow[] = []
  for await (const page of pagesOf({ store } as RuntimeContext, log.topic)) rows.push(...page)
  return rows.filter(({ sessions }) => Object.keys(living(sessions, clock.now())).length > 0)
}

/** Appends the pending changes, as the table's stream does for a function that died. */
async function appendPending(world: PresenceWorld): Promise<void> {
  const context = { ...world.context, store: world.store, server: { report: fail } } as unknown as InvocationContext
  const { rows } = await world.store.readPresences(log.topic)
  await appendStreamed(
    context,
    rows.map(({ topic, member }) => ({ record: member, topic, member })),
  )
}

function fail(failure: { readonly error: Error }): void {
  throw failure.error
}

/** The laws of presence, after every operation has ended or died and the stream has completed the rest. */
export async function checkPresence(world: PresenceWorld, { thrown }: Ended): Promise<void> {
  for (const error of thrown.values()) throw error
  await appendPending(world)
  const changes = await changesOf(world)
  const ids = changes.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length) // each once
  const here = new Map<string, unknown>()
  const at = new Map<number, ReadonlyMap<string, unknown>>([[0, new Map()]])
  for (const { offset, change } of changes) {
    if (change !== undefined) fold(here, change)
    at.set(offset, new Map(here))
  }
  for (const { at: place, members } of world.seen) expect(members).toEqual(at.get(place)) // exact [TL-PRES-1]
  const rows = await rowsOf(world)
  for (const { said, sessions } of rows) expect(said.data).toBe(mergedOf(world, sessions))
  const shown = rows.map(({ member, said }) => [member, JSON.parse(said.data ?? 'null')] as const)
  expect(here).toEqual(new Map(shown)) // every observer converges to the rows
}

/** The data that others should see of a member with these sessions. */
function mergedOf({ rules }: PresenceWorld, sessions: PresenceRow['sessions']): string | undefined {
  const newestFirst = Object.values(sessions).sort((a, b) => b.since - a.since)
  const [newest, ...others] = newestFirst.map(({ data }) => data)
  return newest === undefined ? undefined : (rules.merge?.([newest, ...others]) ?? newest)
}

/** Applies one change to the state: a join requires an absent member, every other change a present one. */
function fold(here: Map<string, unknown>, { type, member, data, here: count }: PresenceSlot): void {
  expect([type, here.has(member)]).toEqual([type, type !== 'join'])
  if (type === 'leave') here.delete(member)
  else here.set(member, data)
  expect(count).toBe(here.size)
}
