import type { PresenceInterest, PresenceTimes } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { logOf } from './join.ts'
import { presenceAt } from './rows/find-presence.ts'
import { isOf, type SessionRef, updateSession } from './rows/update-session.ts'
import { sweepIfDue } from './sweep.ts'

const keepaliveShare = 0.375 // two keepalives at their slowest fit into a lease: one may be lost
const clientKeepaliveMs = 270_000 // what a client of ours does unasked

/** How often a joined client must be heard of; undefined where its own keepalive is enough. [TL-PRES-5] */
export function keepaliveOf({ me, leaseMs }: PresenceInterest): number | undefined {
  const ms = Math.floor(leaseMs * keepaliveShare)
  return me === undefined || ms >= clientKeepaliveMs ? undefined : ms
}

/** A sign of life of a subscription to presence: ends the leases that are over, and renews its own. `absent`: it must join again. */
export async function keepPresence(
  scope: RuntimeContext,
  row: Pick<Subscriber, 'topic' | 'ref' | 'connectionId'> & { readonly seat: PresenceSeat | undefined },
): Promise<'here' | 'absent'> {
  const found = presenceAt(scope, row.topic)
  if (found === undefined) return 'here'
  const { log, rules } = found
  const { seat, ref, connectionId } = row
  const kept = seat === undefined ? 'here' : await renewSession(scope, { log, seat, ref, connectionId }, rules)
  await sweepIfDue(scope, log, rules)
  return kept
}

/** Renews a session's lease, once a quarter of it has passed. `absent`: the session is not here any more, or its connection was lost, and a sync that was under way then must not bring it back: it must join again. [TL-PRES-5] */
export async function renewSession(
  scope: RuntimeContext,
  sitting: SessionRef,
  { leaseMs }: Pick<PresenceTimes, 'leaseMs'>,
): Promise<'here' | 'absent'> {
  const row = await updateSession(scope, sitting, (mine, now) => {
    if (!isOf(mine, sitting) || mine.leaving || mine.lease - now > leaseMs * 0.75) return undefined
    return { ...mine, lease: Math.max(mine.lease, now + leaseMs) }
  })
  const mine = row?.sessions[sitting.seat.entry]
  return mine !== undefined && isOf(mine, sitting) && !mine.leaving ? 'here' : 'absent'
}

/** Who comes back looks for leases that are over, as a sync does: the next one may be a keepalive away. [TL-PRES-6] */
export async function lookOnReturn(
  scope: RuntimeContext,
  { topic, channel, presence }: SubscriptionDescriptor,
  lastEventId: string | undefined,
): Promise<void> {
  if (presence === undefined || lastEventId === undefined) return // a snapshot looks at all rows itself
  await sweepIfDue(scope, logOf({ topic, channel }), presence).catch(() => {}) // the next sync looks again
}
