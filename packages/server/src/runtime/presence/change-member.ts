import { randomName } from '../../ports/clock.ts'
import type { PresenceRow, PresenceSaid } from '../../ports/presence.ts'
import type { Slot } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { readNewest } from '../log/append.ts'
import type { LogRef } from '../log/replay.ts'
import { isAnchor } from '../log/retention.ts'
import { tell } from './append-change.ts'
import { shownOf } from './merge-sessions.ts'
import { changeOf, expiresOf, living, mostRaces, racesLost, type Sessions } from './rows/member-row.ts'

/** The member of a presence topic. */
export interface MemberOf {
  readonly log: LogRef
  readonly member: string
}

/** Makes other sessions of those that live; undefined when there is nothing to change. `v` is the version that the change would get. */
export type Apply = (sessions: Sessions, at: { readonly now: number; readonly v: number }) => Sessions | undefined

/**
 * Changes a member: one conditional write of its row, then, if others see the change, the log repeats it (PROOFS H9). What is over is left out by the way.
 * Gives the row that stands; undefined where there is none.
 */
export async function changeMember(
  scope: RuntimeContext,
  of: MemberOf,
  apply: Apply,
): Promise<PresenceRow | undefined> {
  let row = await scope.store.readPresence(of.log.topic, of.member)
  for (let race = 0; race < mostRaces; race++) {
    const done = await changeOnce(scope, of, row, apply)
    if (done.status === 'stands') return done.row
    row = done.row
  }
  throw racesLost()
}

/** `stands`: nothing is left to do. `again`: the row became another on the way. */
interface Done {
  readonly status: 'stands' | 'again'
  readonly row: PresenceRow | undefined
}

async function changeOnce(
  scope: RuntimeContext,
  of: MemberOf,
  row: PresenceRow | undefined,
  apply: Apply,
): Promise<Done> {
  const { topic } = of.log
  const now = scope.clock.now()
  const sessions = apply(living(row?.sessions ?? {}, now), { now, v: nextOf(row) })
  const isNobody = sessions !== undefined && Object.keys(sessions).length === 0
  if (sessions === undefined || (row === undefined && isNobody)) return { status: 'stands', row }
  const newest = await readNewest(scope, topic)
  const epoch = newest !== undefined && isAnchor(newest, now) ? newest.epoch : undefined
  const change = changeOf(row, shownOf(scope, topic, sessions), epoch)
  // First what was said before: each member's changes stand in order.
  if (change !== undefined && row?.pending === true) return { status: 'again', row: await tell(scope, of.log, row) }
  if (change === undefined && row !== undefined && !row.pending && isNobody) return drop(scope, row)
  return write(scope, of, row, { sessions, change, newest })
}

/** A row that nobody sits in, and that spoke into a history that is over. */
async function drop({ store }: RuntimeContext, row: PresenceRow): Promise<Done> {
  const outcome = await store.deletePresence(row)
  return outcome.status === 'deleted' ? { status: 'stands', row: undefined } : { status: 'again', row: outcome.row }
}

async function write(
  scope: RuntimeContext,
  { log, member }: MemberOf,
  row: PresenceRow | undefined,
  to: { readonly sessions: Sessions; readonly change: ReturnType<typeof changeOf>; readonly newest: Slot | undefined },
): Promise<Done> {
  const { sessions, change, newest } = to
  const mark = randomName(scope.clock, 20)
  const expires = expiresOf(sessions, scope.clock.now())
  const written = { topic: log.topic, member, v: nextOf(row), mark, sessions, expires }
  const said = change && { ...change, id: mark, base: newest?.offset ?? 0 }
  const next: PresenceRow | undefined = said ? { ...written, said, pending: true } : row && { ...row, ...written }
  if (next === undefined) return { status: 'stands', row }
  const outcome = await scope.store.putPresence(next, row?.mark)
  if (outcome.status !== 'put') return { status: 'again', row: outcome.row }
  if (said === undefined) return { status: 'stands', row: next }
  measureChange(scope, said)
  return { status: 'stands', row: await tell(scope, log, next, newest ?? null) }
}

const nextOf = (row: PresenceRow | undefined) => (row?.v ?? 0) + 1

function measureChange({ telemetry }: RuntimeContext, { type }: PresenceSaid): void {
  if (type === 'join') telemetry.measure('joins', 1)
  if (type === 'leave') telemetry.measure('leaves', 1)
}
