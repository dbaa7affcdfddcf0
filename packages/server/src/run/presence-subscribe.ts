import type { PresenceInterest } from '../define/presence.ts'
import type { SubscriptionDescriptor } from '../define/subscription.ts'
import type { PresenceSeat } from '../ports/presence-row.ts'
import type { Subscriber } from '../ports/store.ts'
import type { ConnectionCaller } from './caller.ts'
import { LineFailure } from './line-failure.ts'
import { presenceAt, renewSeat, type Sitting } from './presence-quiet.ts'
import { entryOf, leaveSeat, takeSeat } from './presence-session.ts'
import { snapshotCount, snapshotMembers } from './presence-snapshot.ts'
import { sweepIfDue } from './presence-sweep.ts'
import type { Replay } from './replay.ts'
import type { Scope } from './scope.ts'

const keepaliveShare = 0.375 // two keepalives at their slowest fit into a lease: one may be lost
const clientKeepaliveMs = 270_000 // what a client of ours does unasked

/** How often a joined client must be heard of; undefined where its own keepalive is enough. [TL-PRES-5] */
export function keepaliveOf({ me, leaseMs }: PresenceInterest): number | undefined {
  const ms = Math.floor(leaseMs * keepaliveShare)
  return me === undefined || ms >= clientKeepaliveMs ? undefined : ms
}

/** Where a subscription makes its session present; undefined for one that only watches. */
export function seatOf(
  { session }: Pick<ConnectionCaller, 'session'>,
  id: string,
  interest: PresenceInterest | undefined,
): PresenceSeat | undefined {
  return interest?.me && { member: interest.me.member, entry: entryOf(session, id) }
}

/** A seat as the attempt with this row takes it. */
export function toSitting(
  { topic, channel }: Pick<SubscriptionDescriptor, 'topic' | 'channel'>,
  { ref, connectionId }: Pick<Subscriber, 'ref' | 'connectionId'>,
  seat: PresenceSeat,
): Sitting {
  return { log: { topic, retentionMs: channel.retentionMs ?? 0 }, seat, ref, connectionId }
}

/** Takes the seat. A stock client sends no keepalive, so its lease is its connection's life: a socket that dies unseen is found by the gateway. */
export async function settleIn(
  scope: Scope,
  sitting: Sitting,
  { presence }: SubscriptionDescriptor,
  { extensions, expires }: Pick<Subscriber, 'extensions' | 'expires'>,
): Promise<void> {
  if (presence?.me === undefined) return
  const { leaseMs } = presence
  const lease = (now: number) => (extensions ? now + leaseMs : expires * 1_000)
  await takeSeat(scope, sitting, { data: presence.me.data, lease })
}

/** Where an earlier attempt under this id sat on this connection; nothing to look for with a first one. */
export async function seatBefore(
  scope: Scope,
  { connectionId, id, ref }: Pick<Subscriber, 'connectionId' | 'id' | 'ref'>,
): Promise<PresenceSeat | undefined> {
  return ref > 1 ? (await scope.store.readSubscription(connectionId, id))?.seat : undefined
}

/** A session that now joins as somebody else, or only watches, is nobody else's any more. [TL-PRES-3] */
export async function leaveBefore(
  scope: Scope,
  row: Pick<Subscriber, 'topic' | 'ref'>,
  before: PresenceSeat | undefined,
  seat: PresenceSeat | undefined,
): Promise<void> {
  if (before?.member !== seat?.member) await leaveRow(scope, { ...row, seat: before })
}

/** Law 8: the connection's own row decides. A stop that came before the seat was taken found nothing to end, and neither did an attempt as another member, so it is looked for afterwards. */
export async function stillSeated(scope: Scope, sitting: Sitting, id: string): Promise<boolean> {
  const { connectionId, ref } = sitting
  const row = await scope.store.readSubscription(connectionId, id)
  if (row?.on === true && row.ref === ref) return true
  if (row?.on !== true || row.seat?.member !== sitting.seat.member) await leaveSeat(scope, sitting)
  return false
}

/** Who comes back looks for leases that are over, as a sync does: the next one may be a keepalive away. [TL-PRES-6] */
export async function lookOnReturn(
  scope: Scope,
  { topic, channel, presence }: SubscriptionDescriptor,
  lastEventId: string | undefined,
): Promise<void> {
  if (presence === undefined || lastEventId === undefined) return // a snapshot looks at all rows itself
  const log = { topic, retentionMs: channel.retentionMs ?? 0 }
  await sweepIfDue(scope, log, presence).catch(() => {}) // the next sync looks again
}

/** A subscription whose beginning fails for good is over at the client, and so is its seat; a stock client tries nothing again. */
export async function giveUpSeat(
  scope: Scope,
  sitting: Sitting | undefined,
  thrown: unknown,
  { extensions }: Pick<ConnectionCaller, 'extensions'>,
): Promise<void> {
  const isFinal = !extensions || (thrown instanceof LineFailure && thrown.line === 'TOO_LARGE')
  if (sitting !== undefined && isFinal) await leaveSeat(scope, sitting).catch(() => {}) // the lease ends it
}

/** What a subscription to presence begins with. */
export async function loadPresence(
  scope: Scope,
  { topic, channel, presence }: SubscriptionDescriptor,
  begun: Replay,
): Promise<{ readonly at: Replay; readonly state: unknown }> {
  const log = { topic, retentionMs: channel.retentionMs ?? 0 }
  const load = presence?.view === 'count' ? snapshotCount : snapshotMembers
  const { found, state } = await load(scope, log, begun)
  return { at: found, state }
}

/** A sign of life of a subscription to presence: ends the leases that are over, and renews its own. `absent`: it must join again. */
export async function keepPresence(
  scope: Scope,
  {
    topic,
    ref,
    connectionId,
    seat,
  }: Pick<Subscriber, 'topic' | 'ref' | 'connectionId'> & { readonly seat: PresenceSeat | undefined },
): Promise<'here' | 'absent'> {
  const found = presenceAt(scope, topic)
  if (found === undefined) return 'here'
  const { log, times } = found
  const kept = seat === undefined ? 'here' : await renewSeat(scope, { log, seat, ref, connectionId }, times)
  await sweepIfDue(scope, log, times)
  return kept
}

/** A subscription was stopped: its seat is free. */
export async function leaveRow(
  scope: Scope,
  { topic, ref, seat }: { readonly topic: string; readonly ref: number; readonly seat: PresenceSeat | undefined },
): Promise<void> {
  const found = seat && presenceAt(scope, topic)
  if (found !== undefined && seat !== undefined) await leaveSeat(scope, { log: found.log, seat, ref })
}
