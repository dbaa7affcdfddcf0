import { presenceLimits } from '../../define/presence.ts'
import type { PresenceRow, PresenceSession, PresenceSessionKey } from '../../ports/presence.ts'
import { sha256 } from '../../ports/sha256.ts'
import type { ContextDetails } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { changeMember, type MemberOf } from './change-member.ts'
import { presenceAt } from './rows/find-presence.ts'
import type { Sessions } from './rows/member-row.ts'
import { isOf, type SessionRef } from './rows/update-session.ts'

/**
 * The name of a session in a member's row, made of digests of its principal, its public id and the subscription's id. A
 * caller who offers the session of another principal has other names. [TL-PRES-8]
 */
export function entryOf(owner: SessionOwner, id: string): string {
  return entryPrefixOf(owner) + digest(id)
}

/** What the names of this session of this principal begin with, whatever the subscription. */
export function entryPrefixOf(owner: SessionOwner): string {
  return `${ownerOf(owner)}.`
}

/** `sessionId` is the public id. */
export type SessionOwner = Pick<ContextDetails, 'principal' | 'sessionId'>

function ownerOf({ principal, sessionId }: SessionOwner): string {
  return digest(JSON.stringify([principal, sessionId]))
}

function digest(text: string): string {
  return sha256(text).toString('base64url').slice(0, 16)
}

/**
 * Makes a session present, or keeps it present. An attempt replaces an earlier attempt of the same session and keeps
 * the data that `update` set, unless it joins with other data. An attempt that a newer one has replaced changes
 * nothing. Throws RATE_LIMITED when the member has too many sessions. [TL-PRES-2]
 */
export async function joinSession(
  context: RuntimeContext,
  session: SessionRef,
  as: { readonly data: string; readonly lease: (now: number) => number },
): Promise<void> {
  const { ref, connectionId, key } = session
  await changeMember(context, memberOf(session), (sessions, { now, v }) => {
    const mine = sessions[key.entry]
    if (mine !== undefined && (mine.ref > ref || isStored(mine, session))) return undefined
    if (mine === undefined && Object.keys(sessions).length >= presenceLimits.sessions) throw tooManySessions()
    const kept = mine?.joined === as.data ? { data: mine.data, since: mine.since } : { data: as.data, since: v }
    const next = { ref, connectionId, leaving: false, lease: as.lease(now), joined: as.data, ...kept }
    return { ...sessions, [key.entry]: next }
  })
}

/** Ends a session that left on purpose, and deletes its own row. [TL-PRES-3] */
export async function leaveSession(context: RuntimeContext, session: Omit<SessionRef, 'connectionId'>): Promise<void> {
  const { ref, key, log } = session
  await removeSession(context, session)
  await context.store.deletePresenceSession({ topic: log.topic, ...key, ref })
}

/** Ends a session of a member. */
export async function removeSession(context: RuntimeContext, session: Omit<SessionRef, 'connectionId'>): Promise<void> {
  const { ref, key } = session
  await changeMember(context, memberOf(session), (sessions) => {
    const mine = sessions[key.entry]
    if (mine === undefined || mine.ref > ref) return undefined
    return without(sessions, key.entry)
  })
}

/** Ends a session of a member if it is on this connection: it may have moved to another one. */
export async function removeSessionOn(context: RuntimeContext, session: Omit<SessionRef, 'ref'>): Promise<void> {
  const { connectionId, key } = session
  await changeMember(context, memberOf(session), (sessions) =>
    sessions[key.entry]?.connectionId === connectionId ? without(sessions, key.entry) : undefined,
  )
}

/** Ends the session of a subscription that stopped, if it has one. */
export async function leaveSubscription(
  context: RuntimeContext,
  row: { readonly topic: string; readonly ref: number; readonly seat: PresenceSessionKey | undefined },
): Promise<void> {
  const { topic, ref, seat: key } = row
  const found = key && presenceAt(context, topic)
  if (found !== undefined && key !== undefined) await leaveSession(context, { log: found.log, key, ref })
}

/** Removes those of the `stale` sessions that are over. [TL-PRES-4] */
export function pruneMember(
  context: RuntimeContext,
  member: MemberOf,
  stale: Sessions,
): Promise<PresenceRow | undefined> {
  return changeMember(context, member, (sessions) =>
    Object.keys(stale).every((entry) => Object.hasOwn(sessions, entry)) ? undefined : sessions,
  )
}

function memberOf({ log, key }: Pick<SessionRef, 'log' | 'key'>): MemberOf {
  return { log, member: key.member }
}

/** Whether the attempt is already stored: its frame arrived twice. */
function isStored(mine: PresenceSession, session: SessionRef): boolean {
  return isOf(mine, session) && !mine.leaving
}

function without(sessions: Sessions, entry: string): Sessions {
  return Object.fromEntries(Object.entries(sessions).filter(([name]) => name !== entry))
}

function tooManySessions(): TrunklineError {
  return new TrunklineError(
    'RATE_LIMITED',
    `A member can have ${presenceLimits.sessions} sessions in one topic, and has as many. Leave one first.`,
  )
}
