import { defined } from '@trunkline/protocol'
import type { PresenceInterest } from '../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type Caller, sessionIdOf } from '../context/caller.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Replay } from '../log/replay.ts'
import { TopicRefused } from '../procedures/topic-rights.ts'
import { keepaliveOf, leaseOf, sweepOnReturn, sweptBy } from './renew-lease.ts'
import { disconnectSession } from './rows/disconnect-session.ts'
import { logOf } from './rows/find-presence.ts'
import type { SessionRef } from './rows/update-session.ts'
import { entryOf, joinSession, leaveSession, leaveSubscription } from './session.ts'
import { snapshotCount, snapshotMembers } from './snapshot.ts'
import { sweepIfDue } from './sweep.ts'

/** The subscription's caller, the presence that it subscribes to, and this attempt of it. */
interface JoinOptions {
  readonly caller: Caller
  readonly descriptor: SubscriptionDescriptor
  readonly attempt: Pick<Subscriber, 'connectionId' | 'id' | 'ref'>
  readonly presence: PresenceInterest
}

/** The steps that presence adds to a subscribe: the session joins, and leaves if a later step fails. */
export function presenceHooks(context: InvocationContext, { caller, descriptor, attempt, presence }: JoinOptions) {
  const key = sessionKeyOf(caller, attempt.id, presence)
  const session = key && toSession(descriptor, attempt, key)
  let previous: PresenceSessionKey | undefined
  return {
    claim: defined({ seat: key }),
    row: { presence: { view: presence.view, ...defined({ seat: key }) } },
    keepaliveMs: keepaliveOf(presence),
    beforeClaim: async () => {
      previous = await previousSession(context, attempt)
    },
    registered: async (row: Subscriber, isOpen: () => Promise<boolean>) => {
      // A session that now joins as another member, or only watches, leaves its earlier member. [TL-PRES-3]
      if (previous?.member !== key?.member) await leaveSubscription(context, { ...row, seat: previous })
      if (session === undefined) return isOpen()
      await confirmJoin(context, session, { caller, presence, row })
      if (await isOpen()) return isStillJoined(context, session, attempt.id)
      await disconnectSession(context, session)
      return false
    },
    resumed: (lastEventId: string | undefined) => sweepOnReturn(context, descriptor, lastEventId),
    loadState: (found: Replay) => loadPresence(context, descriptor, found),
    ended: async (thrown: unknown) => {
      if (session !== undefined && isFinal(caller, thrown)) await leaveSession(context, session).catch(() => {}) // the lease ends it
    },
  }
}

/** The session that a subscription makes present; undefined if it only watches. */
function sessionKeyOf(caller: Caller, id: string, { me }: PresenceInterest): PresenceSessionKey | undefined {
  const owner = { principal: caller.principal, sessionId: sessionIdOf(caller) }
  return me && { member: me.member, entry: entryOf(owner, id) }
}

/** The session of a key, as this attempt of its subscription joins it. */
export function toSession(
  descriptor: Pick<SubscriptionDescriptor, 'topic' | 'channel'>,
  { ref, connectionId }: Pick<Subscriber, 'ref' | 'connectionId'>,
  key: PresenceSessionKey,
): SessionRef {
  return { log: logOf(descriptor), key, ref, connectionId }
}

/**
 * Puts the session's own row, then joins. A stock client sends no keepalive, so its lease lasts as long as its connection may: the gateway finds a socket
 * that was lost without a close.
 */
async function confirmJoin(
  context: RuntimeContext,
  session: SessionRef,
  { caller, presence: { me, leaseMs }, row }: Pick<JoinOptions, 'caller' | 'presence'> & { readonly row: Subscriber },
): Promise<void> {
  if (me === undefined) return
  // Before the join: once others see the session, an update of it finds its member.
  const expires = row.expires + Math.ceil(leaseMs / 1_000)
  await context.store.putPresenceSession({ topic: session.log.topic, ...session.key, ref: session.ref, expires })
  const ownMs = leaseOf(leaseMs, caller.via)
  const lease = (now: number) => (row.extensions ? now + ownMs : row.expires * 1_000)
  await joinSession(context, session, { data: me.data, lease })
  const by = sweptBy(context, ownMs, caller.via)
  if (by !== undefined) await sweepIfDue(context, session.log, { leaseMs, by })
}

/** The session of the earlier attempt under this id on this connection. A first attempt has none. */
async function previousSession(
  context: RuntimeContext,
  { connectionId, id, ref }: JoinOptions['attempt'],
): Promise<PresenceSessionKey | undefined> {
  return ref > 1 ? (await context.store.readSubscription(connectionId, id))?.seat : undefined
}

/**
 * Whether the subscription still has its session after it joined. The connection's own row decides
 * [LAW-CONNECTION-ROW]. A stop, or an attempt as another member, that came before the join found no session to end, so
 * it is ended here.
 */
async function isStillJoined(context: RuntimeContext, session: SessionRef, id: string): Promise<boolean> {
  const { connectionId, ref } = session
  const row = await context.store.readSubscription(connectionId, id)
  if (row?.on === true && row.ref === ref) return true
  if (row?.on !== true || row.seat?.member !== session.key.member) await leaveSession(context, session)
  return false
}

/**
 * Whether the client gives the subscription up after this error, so that its session ends. A stock client does not
 * retry.
 */
function isFinal({ extensions }: Pick<Caller, 'extensions'>, thrown: unknown): boolean {
  const isRefused = thrown instanceof TopicRefused || (thrown instanceof TrunklineError && thrown.line === 'TOO_LARGE')
  return !extensions || isRefused
}

/** Loads the state that a presence subscription begins with: the members, or their number. */
export async function loadPresence(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor,
  begun: Replay,
): Promise<{ readonly at: Replay; readonly state: unknown }> {
  const load = descriptor.presence?.view === 'count' ? snapshotCount : snapshotMembers
  const { found, state } = await load(context, logOf(descriptor), begun)
  return { at: found, state }
}
