import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { PresenceRow, PresenceSaid } from '../../ports/presence.ts'
import { backOff } from '../context/back-off.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { readNewest } from '../log/append.ts'
import type { LogRef } from '../log/replay.ts'
import { isAnchor } from '../log/retention.ts'
import { appendChange } from './append-change.ts'
import { presenceAt } from './rows/find-presence.ts'
import { changeOf, expiresOf, living, mostRaces, racesLost, type Sessions } from './rows/member-row.ts'

/** A member of a presence topic. */
export interface MemberOf {
  readonly log: LogRef
  readonly member: string
}

/**
 * Returns the new sessions of a member, given those that are not over; undefined to change nothing. `v` is the version
 * of the row that the change makes.
 */
export type Apply = (sessions: Sessions, at: { readonly now: number; readonly v: number }) => Sessions | undefined

/**
 * Changes a member: one conditional write of its row, then, if others see the change, one append to the log
 * [PROOF-PRESENCE-ROW]. Removes sessions that are over. Returns the current row; undefined when none exists. Throws
 * RATE_LIMITED when other writes come first too often.
 */
export async function changeMember(
  context: RuntimeContext,
  of: MemberOf,
  apply: Apply,
): Promise<PresenceRow | undefined> {
  const read = () => context.store.readPresence(of.log.topic, of.member)
  let row = await read()
  for (let lost = 0; lost < mostRaces; ) {
    const done = await changeOnce(context, of, { row, apply })
    if (done.status === 'done') return done.row
    row = done.row
    if (done.status === 'lost') row = (await backOff(context, ++lost)) ? await read() : row
  }
  throw racesLost()
}

/** `done`: nothing is left to do. `lost`: another write changed the row first. `retry`: an earlier change came first. */
interface ChangeResult {
  readonly status: 'done' | 'lost' | 'retry'
  readonly row: PresenceRow | undefined
}

async function changeOnce(
  context: RuntimeContext,
  of: MemberOf,
  { row, apply }: { readonly row: PresenceRow | undefined; readonly apply: Apply },
): Promise<ChangeResult> {
  const { topic } = of.log
  const now = context.clock.now()
  const sessions = apply(living(row?.sessions ?? {}, now), { now, v: nextOf(row) })
  const isEmpty = sessions !== undefined && Object.keys(sessions).length === 0
  if (sessions === undefined || (row === undefined && isEmpty)) return { status: 'done', row }
  const newest = await readNewest(context, topic)
  const epoch = newest !== undefined && isAnchor(newest, now) ? newest.epoch : undefined
  const change = changeOf(row, shownOf(context, topic, sessions), epoch)
  // The earlier change first: the log has each member's changes in order.
  if (change !== undefined && row?.pending === true)
    return { status: 'retry', row: await appendChange(context, of.log, row) }
  if (change === undefined && row !== undefined && !row.pending && isEmpty) return drop(context, row)
  return write(context, of, row, { sessions, change, newest })
}

/** Deletes a row without sessions whose last change is in an expired log. */
async function drop({ store }: RuntimeContext, row: PresenceRow): Promise<ChangeResult> {
  const outcome = await store.deletePresence(row)
  return outcome.status === 'deleted' ? { status: 'done', row: undefined } : { status: 'lost', row: outcome.row }
}

async function write(
  context: RuntimeContext,
  { log, member }: MemberOf,
  row: PresenceRow | undefined,
  changed: {
    readonly sessions: Sessions
    readonly change: ReturnType<typeof changeOf>
    readonly newest: Slot | undefined
  },
): Promise<ChangeResult> {
  const { sessions, change, newest } = changed
  const mark = randomName(context.clock, 20)
  const expires = expiresOf(sessions, context.clock.now())
  const written = { topic: log.topic, member, v: nextOf(row), mark, sessions, expires }
  const said = change && { ...change, id: mark, base: newest?.offset ?? 0 }
  const next: PresenceRow | undefined = said ? { ...written, said, pending: true } : row && { ...row, ...written }
  if (next === undefined) return { status: 'done', row }
  const outcome = await context.store.putPresence(next, row?.mark)
  if (outcome.status !== 'put') return { status: 'lost', row: outcome.row }
  if (said === undefined) return { status: 'done', row: next }
  measureChange(context, said)
  return { status: 'done', row: await appendChange(context, log, next, { newest: newest ?? null }) }
}

const nextOf = (row: PresenceRow | undefined) => (row?.v ?? 0) + 1

function measureChange({ telemetry }: RuntimeContext, { type }: PresenceSaid): void {
  if (type === 'join') telemetry.measure('joins', 1)
  if (type === 'leave') telemetry.measure('leaves', 1)
}

/**
 * The visible data of a member with these sessions, as JSON text: the newest session's data, or the result of `merge`
 * over all. Undefined without sessions. If `merge` throws, the error is reported and the newest data is used, so that a
 * session can always leave.
 */
function shownOf(context: RuntimeContext, topic: string, sessions: Sessions): string | undefined {
  const newestFirst = Object.values(sessions).sort((a, b) => b.since - a.since)
  const [newest, ...others] = newestFirst.map(({ data }) => data)
  const merge = presenceAt(context, topic)?.rules.merge
  if (newest === undefined || merge === undefined) return newest
  try {
    return merge([newest, ...others])
  } catch (thrown) {
    context.server?.report({ error: toTRPCError(thrown), path: undefined, cause: 'frame' })
    return newest
  }
}
