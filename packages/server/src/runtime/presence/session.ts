import { createHash } from 'node:crypto'
import { presenceLimits } from '../../define/presence.ts'
import type { PresenceRow, PresenceSeat, PresenceSession } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { changeMember, type MemberOf } from './change-member.ts'
import { presenceAt } from './rows/find-presence.ts'
import type { Sessions } from './rows/member-row.ts'
import { isOf, type SessionRef } from './rows/update-session.ts'

/** The name of a session's part in a member's row. A session's id is all that stands between an anonymous caller and another's mutations, so it stands in no row that others' functions read out. */
export function entryOf(session: string, id: string): string {
  return `${digest(session)}.${digest(id)}`
}

/** Whether a part of a member's row is this session's. */
export function isEntryOf(entry: string, session: string): boolean {
  return entry.startsWith(`${digest(session)}.`)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

/** Makes a session present, or keeps it so: an earlier attempt's place is taken over with what `update` made of it, unless it joins with other data. An attempt that a newer one has overtaken changes nothing. [TL-PRES-2] */
export async function joinSession(
  scope: RuntimeContext,
  sitting: SessionRef,
  as: { readonly data: string; readonly lease: (now: number) => number },
): Promise<void> {
  const { ref, connectionId, seat } = sitting
  await changeMember(scope, memberOf(sitting), (sessions, { now, v }) => {
    const mine = sessions[seat.entry]
    if (mine !== undefined && (mine.ref > ref || isSame(mine, sitting))) return undefined
    if (mine === undefined && Object.keys(sessions).length >= presenceLimits.sessions) throw tooManySessions()
    const kept = mine?.joined === as.data ? { data: mine.data, since: mine.since } : { data: as.data, since: v }
    const next = { ref, connectionId, leaving: false, lease: as.lease(now), joined: as.data, ...kept }
    return { ...sessions, [seat.entry]: next }
  })
}

/** Ends a session's presence: it left by its own will. [TL-PRES-3] */
export async function leaveSession(scope: RuntimeContext, sitting: Omit<SessionRef, 'connectionId'>): Promise<void> {
  const { ref, seat } = sitting
  await changeMember(scope, memberOf(sitting), (sessions) => {
    const mine = sessions[seat.entry]
    if (mine === undefined || mine.ref > ref) return undefined
    return without(sessions, seat.entry)
  })
}

/** A subscription was stopped: its seat, if it has one, is free. */
export async function leaveSubscription(
  scope: RuntimeContext,
  { topic, ref, seat }: { readonly topic: string; readonly ref: number; readonly seat: PresenceSeat | undefined },
): Promise<void> {
  const found = seat && presenceAt(scope, topic)
  if (found !== undefined && seat !== undefined) await leaveSession(scope, { log: found.log, seat, ref })
}

/** Ends what is over of a member. [TL-PRES-4] */
export function pruneMember(
  scope: RuntimeContext,
  member: MemberOf,
  stale: Sessions,
): Promise<PresenceRow | undefined> {
  return changeMember(scope, member, (sessions) =>
    Object.keys(stale).every((entry) => Object.hasOwn(sessions, entry)) ? undefined : sessions,
  )
}

function memberOf({ log, seat }: Pick<SessionRef, 'log' | 'seat'>): MemberOf {
  return { log, member: seat.member }
}

/** The same attempt again: its frame came twice. */
function isSame(session: PresenceSession, sitting: SessionRef): boolean {
  return isOf(session, sitting) && !session.leaving
}

function without(sessions: Sessions, entry: string): Sessions {
  return Object.fromEntries(Object.entries(sessions).filter(([name]) => name !== entry))
}

function tooManySessions(): TrunklineError {
  return new TrunklineError('RATE_LIMITED', `A member can have ${presenceLimits.sessions} sessions in one topic.`)
}
