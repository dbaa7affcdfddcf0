import type { PresenceInterest, PresenceTimes } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { logOf, presenceAt } from './rows/find-presence.ts'
import { isOf, type SessionRef, updateSession } from './rows/update-session.ts'
import { sweepIfDue } from './sweep.ts'

/** The longest lease over HTTP, where nothing reports that a client is gone: hidden pages ask once a minute. */
const polledLeaseMs = 180_000

/** The lease of a session, in milliseconds. [TL-HTTP-16] */
export function leaseOf(leaseMs: number, via: ConnectionCaller['via']): number {
  return via === undefined ? leaseMs : Math.min(leaseMs, polledLeaseMs)
}

/** By when a topic must be swept for a session with a lease over HTTP. Undefined over a socket. */
export function sweptBy(
  { clock }: Pick<RuntimeContext, 'clock'>,
  leaseMs: number,
  via: ConnectionCaller['via'],
): number | undefined {
  return via === undefined ? undefined : clock.now() + leaseMs
}

/** Two keepalives fit into a lease even at their slowest, so that one may be lost. */
const keepaliveShare = 0.375
const clientKeepaliveMs = 270_000 // 4.5 min: the default of our client

/**
 * The keepalive interval that a joined client needs, in milliseconds; undefined where the client's default suffices.
 * [TL-PRES-5]
 */
export function keepaliveOf({ me, leaseMs }: PresenceInterest): number | undefined {
  const ms = Math.floor(leaseMs * keepaliveShare)
  return me === undefined || ms >= clientKeepaliveMs ? undefined : ms
}

/**
 * Renews the lease of a subscription to presence, and ends leases that have expired. `absent`: the session must join
 * again.
 */
export async function keepPresence(
  context: RuntimeContext,
  row: Pick<Subscriber, 'topic' | 'ref' | 'connectionId'> &
    Pick<ConnectionCaller, 'via'> & { readonly seat: PresenceSessionKey | undefined },
): Promise<'here' | 'absent'> {
  const found = presenceAt(context, row.topic)
  if (found === undefined) return 'here'
  const { log, rules } = found
  const { seat: key, ref, connectionId } = row
  const session = key && { log, key, ref, connectionId }
  const leaseMs = leaseOf(rules.leaseMs, row.via)
  const status = session === undefined ? 'here' : await renewSession(context, session, { leaseMs })
  await sweepIfDue(context, log, { ...rules, by: session && sweptBy(context, leaseMs, row.via) })
  return status
}

/**
 * Renews a session's lease once a quarter of it has passed. `absent`: the session must join again, because it has ended
 * or lost its connection. A sync that was under way when the connection was lost must not renew the session.
 * [TL-PRES-5]
 */
export async function renewSession(
  context: RuntimeContext,
  session: SessionRef,
  { leaseMs }: Pick<PresenceTimes, 'leaseMs'>,
): Promise<'here' | 'absent'> {
  const row = await updateSession(context, session, (mine, now) => {
    if (!isOf(mine, session) || mine.leaving || mine.lease - now > leaseMs * 0.75) return undefined
    return { ...mine, lease: Math.max(mine.lease, now + leaseMs) }
  })
  const mine = row?.sessions[session.key.entry]
  return mine !== undefined && isOf(mine, session) && !mine.leaving ? 'here' : 'absent'
}

/**
 * Ends expired leases when a subscription resumes, as a sync does: the next sync may be a keepalive interval away.
 * [TL-PRES-6]
 */
export async function sweepOnReturn(
  context: RuntimeContext,
  { topic, channel, presence }: SubscriptionDescriptor,
  lastEventId: string | undefined,
): Promise<void> {
  if (presence === undefined || lastEventId === undefined) return // a snapshot reads all rows itself
  await sweepIfDue(context, logOf({ topic, channel }), presence).catch(() => {}) // the next sync tries again
}
