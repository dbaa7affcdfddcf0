import type { PresenceInterest } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Replay } from '../log/replay.ts'
import { keepaliveOf, sweepOnReturn } from './renew-lease.ts'
import { disconnectSession } from './rows/disconnect-session.ts'
import { logOf } from './rows/find-presence.ts'
import type { SessionRef } from './rows/update-session.ts'
import { entryOf, joinSession, leaveSession, leaveSubscription } from './session.ts'
import { snapshotCount, snapshotMembers } from './snapshot.ts'

/** What a subscription to presence adds to the steps of a subscribe: its session joins, and leaves where it fails. */
export function presenceHooks(
  context: InvocationContext,
  {
    caller,
    descriptor,
    attempt,
    presence,
  }: {
    readonly caller: ConnectionCaller
    readonly descriptor: SubscriptionDescriptor
    readonly attempt: Pick<Subscriber, 'connectionId' | 'id' | 'ref'>
    readonly presence: PresenceInterest
  },
) {
  const seat = sessionOf(caller, attempt.id, presence)
  const session = seat && toSession(descriptor, attempt, seat)
  let previous: PresenceSeat | undefined
  return {
    claim: seat === undefined ? {} : { seat },
    row: { presence: { view: presence.view, ...(seat && { seat }) } },
    keepaliveMs: keepaliveOf(presence),
    beforeClaim: async () => {
      previous = await previousSession(context, attempt)
    },
    registered: async (row: Subscriber, isOpen: () => Promise<boolean>) => {
      await leavePrevious(context, row, previous, seat)
      if (session === undefined) return isOpen()
      await confirmJoin(context, session, descriptor, row)
      if (await isOpen()) return isStillJoined(context, session, attempt.id)
      await disconnectSession(context, session)
      return false
    },
    resumed: (lastEventId: string | undefined) => sweepOnReturn(context, descriptor, lastEventId),
    loadState: (found: Replay) => loadPresence(context, descriptor, found),
    ended: (thrown: unknown) => abandonJoin(context, session, thrown, caller),
  }
}

/** Where a subscription makes its session present; undefined for one that only watches. */
export function sessionOf(
  { session }: Pick<ConnectionCaller, 'session'>,
  id: string,
  interest: PresenceInterest | undefined,
): PresenceSeat | undefined {
  return interest?.me && { member: interest.me.member, entry: entryOf(session, id) }
}

/** A seat as the attempt with this row takes it. */
export function toSession(
  descriptor: Pick<SubscriptionDescriptor, 'topic' | 'channel'>,
  { ref, connectionId }: Pick<Subscriber, 'ref' | 'connectionId'>,
  seat: PresenceSeat,
): SessionRef {
  return { log: logOf(descriptor), seat, ref, connectionId }
}

/** Takes the seat. A stock client sends no keepalive, so its lease is its connection's life: a socket that dies unseen is found by the gateway. */
export async function confirmJoin(
  context: RuntimeContext,
  session: SessionRef,
  { presence }: SubscriptionDescriptor,
  { extensions, expires }: Pick<Subscriber, 'extensions' | 'expires'>,
): Promise<void> {
  if (presence?.me === undefined) return
  const { leaseMs } = presence
  const lease = (now: number) => (extensions ? now + leaseMs : expires * 1_000)
  await joinSession(context, session, { data: presence.me.data, lease })
}

/** Where an earlier attempt under this id sat on this connection; nothing to look for with a first one. */
export async function previousSession(
  context: RuntimeContext,
  { connectionId, id, ref }: Pick<Subscriber, 'connectionId' | 'id' | 'ref'>,
): Promise<PresenceSeat | undefined> {
  return ref > 1 ? (await context.store.readSubscription(connectionId, id))?.seat : undefined
}

/** A session that now joins as somebody else, or only watches, is nobody else's any more. [TL-PRES-3] */
export async function leavePrevious(
  context: RuntimeContext,
  row: Pick<Subscriber, 'topic' | 'ref'>,
  before: PresenceSeat | undefined,
  seat: PresenceSeat | undefined,
): Promise<void> {
  if (before?.member !== seat?.member) await leaveSubscription(context, { ...row, seat: before })
}

/** [LAW-CONNECTION-ROW]: the connection's own row decides. A stop that came before the seat was taken found nothing to end, and neither did an attempt as another member, so it is looked for afterwards. */
export async function isStillJoined(context: RuntimeContext, session: SessionRef, id: string): Promise<boolean> {
  const { connectionId, ref } = session
  const row = await context.store.readSubscription(connectionId, id)
  if (row?.on === true && row.ref === ref) return true
  if (row?.on !== true || row.seat?.member !== session.seat.member) await leaveSession(context, session)
  return false
}

/** A subscription whose beginning fails for good is over at the client, and so is its seat; a stock client tries nothing again. */
export async function abandonJoin(
  context: RuntimeContext,
  session: SessionRef | undefined,
  thrown: unknown,
  { extensions }: Pick<ConnectionCaller, 'extensions'>,
): Promise<void> {
  const isFinal = !extensions || (thrown instanceof TrunklineError && thrown.line === 'TOO_LARGE')
  if (session !== undefined && isFinal) await leaveSession(context, session).catch(() => {}) // the lease ends it
}

/** What a subscription to presence begins with. */
export async function loadPresence(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor,
  begun: Replay,
): Promise<{ readonly at: Replay; readonly state: unknown }> {
  const load = descriptor.presence?.view === 'count' ? snapshotCount : snapshotMembers
  const { found, state } = await load(context, logOf(descriptor), begun)
  return { at: found, state }
}
