import { defined } from '@trunkline/protocol'
import type { Ended, KickOptions, PrincipalConnectionInfo, RevokeOptions } from '../define/kick.ts'
import type { Kicked } from '../ports/connections.ts'
import type { PrincipalConnection, Restriction } from '../ports/principals.ts'
import { checkKick, checkPrincipal, checkRevoke } from './check-kick.ts'
import { connectionExpires, connectMs, removeSubscriptions, type TopicSubscription } from './connections/connect.ts'
import { endKicked } from './connections/end-kicked.ts'
import { issuedAtOf } from './connections/restrictions.ts'
import { mapConcurrent } from './context/map-concurrent.ts'
import type { RuntimeContext } from './context/runtime-context.ts'
import { presenceAt } from './presence/rows/find-presence.ts'
import { removeSessionOn } from './presence/session.ts'

/** Connections that are ended at once. */
const endedAtOnce = 16
/** The gateway opens a connection this long after its `$connect` has answered, at most. */
const acceptMs = 1_000
const pauseMs = 250
/** The error of two clocks. */
const skewMs = 10_000
/** A worker runs for at most 15 minutes, and starts within an hour. */
const runsMs = 2 * 3_600_000
/** Tokens that live longer are rare. */
const revokedMs = 366 * 24 * 3_600_000
/** A ban is still read for this long after its end, by a clock that is behind. */
const slackMs = 60_000

/** What leads to a connection that is to be ended. */
type Found = Pick<PrincipalConnection, 'connectionId'> & Partial<Pick<PrincipalConnection, 'openedAt' | 'expires'>>

/**
 * Ends connections, and bans their principal or session if `ban` is given. Resolves when their sockets are closed and
 * their subscriptions removed: a call or a subscribe begins no more, and runs that look at their connection end within
 * 5 s. The restriction is written before the connections are read [LAW-REVOKE]. Throws a `TypeError` or a `RangeError`
 * for invalid options, and an `Error` if a socket could not be closed. Safe to repeat.
 */
// [TL-KICK-1] [TL-KICK-2]
export async function kick(context: RuntimeContext, options: KickOptions): Promise<Ended> {
  checkGateway(context)
  const { clock } = context
  const { reason, until, connection, session, ...target } = checkKick(options, clock.now())
  const row = connection === undefined ? undefined : await context.store.readConnection(connection)
  const principal = target.principal ?? row?.principal ?? null
  if (principal === null && until !== undefined) throw anonymousBan()
  const isWide = connection === undefined || until !== undefined // else only this connection ends
  const found: Found[] = connection === undefined ? [] : [row ?? { connectionId: connection }]
  if (principal !== null && isWide) {
    await restrict(context, { principal, reason, ...defined({ session }) }, until)
    const others = await context.store.readPrincipalConnections(principal)
    found.push(...others.filter((each) => each.connectionId !== connection && isOf(each, session)))
  }
  const connections = await endAll(context, found, { reason, ...defined({ until }) })
  const about = defined({ connectionId: connection, sessionId: session })
  context.telemetry.audit?.({ action: 'kick', principal, reason, ...about, facts: { connections, until } })
  return { connections }
}

/**
 * Refuses the tokens of a principal that were issued before a time, and ends its connections that have no later token.
 * Resolves and throws like `kick`. A later time is never replaced by an earlier one.
 */
// [TL-KICK-3]
export async function revoke(context: RuntimeContext, principal: string, options: RevokeOptions): Promise<Ended> {
  checkGateway(context)
  checkPrincipal(principal)
  const { store, clock } = context
  const { at, reason } = checkRevoke(options, clock.now())
  await store.putRestriction({ principal, kind: 'revoke', at, reason, expires: toSeconds(clock.now() + revokedMs) })
  const leading = await store.readPrincipalConnections(principal)
  const found = await mapConcurrent(leading, endedAtOnce, async (each) => {
    const row = await store.readConnection(each.connectionId)
    // Parameters that are being settled have no token in the row yet, and may have read no revocation.
    return row?.state === 'OPEN' && row.principal === principal && issuedAtOf(row) >= at ? [] : [each]
  })
  const connections = await endAll(context, found.flat(), { reason })
  context.telemetry.audit?.({ action: 'revoke', principal, reason, facts: { connections, issuedBefore: at } })
  return { connections }
}

/** The connections of a principal. One that was closed without a `$disconnect` is among them until its row expires. */
export async function listConnections(
  { store, clock }: RuntimeContext,
  principal: string,
): Promise<readonly PrincipalConnectionInfo[]> {
  checkPrincipal(principal)
  const rows = await store.readPrincipalConnections(principal)
  return rows
    .filter(({ expires }) => expires * 1_000 > clock.now())
    .sort((a, b) => a.openedAt - b.openedAt)
    .map(({ connectionId, session, openedAt }) => ({
      connectionId,
      sessionId: session,
      openedAt: new Date(openedAt),
    }))
}

/** Runs of the principal that began before now end; with `until`, it is banned too. */
async function restrict(
  { store, clock }: RuntimeContext,
  of: Pick<Restriction, 'principal' | 'session' | 'reason'>,
  until: number | undefined,
): Promise<void> {
  const now = clock.now()
  const runs: Restriction = { ...of, kind: 'kick', at: now, expires: toSeconds(now + runsMs) }
  const ban: Restriction | undefined =
    until === undefined ? undefined : { ...of, kind: 'ban', at: until, expires: toSeconds(until + slackMs) }
  await Promise.all([store.putRestriction(runs), ban && store.putRestriction(ban)])
}

/** Ends connections. Returns how many were open. Throws if a socket could not be closed. */
async function endAll(context: RuntimeContext, found: readonly Found[], kicked: Kicked): Promise<number> {
  const ends = await mapConcurrent(found, endedAtOnce, (each) => end(context, each, kicked))
  const failed = found.filter((_, at) => ends[at] === 'failed').map(({ connectionId }) => connectionId)
  if (failed.length === 0) return ends.filter((each) => each === 'ended').length
  throw new Error(
    `Expected the gateway to close ${found.length === 1 ? '1 connection' : `${found.length} connections`}, and it did not close ${failed.slice(0, 5).join(', ')}` +
      `${failed.length > 5 ? ` and ${failed.length - 5} more` : ''}. They are marked as closed: do it again to close their sockets.`,
  )
}

/** Ends one connection. `was closed`: it was not open. */
async function end(
  context: RuntimeContext,
  { connectionId, openedAt, expires = connectionExpires(context.clock.now()) }: Found,
  kicked: Kicked,
): Promise<'ended' | 'was closed' | 'failed'> {
  const { store } = context
  const row = await store.closeConnection(connectionId, expires, kicked)
  const principal = row?.principal ?? null
  const now = context.clock.now()
  const isYoung = now - (row?.openedAt ?? openedAt ?? Number.NEGATIVE_INFINITY) < connectMs + acceptMs + skewMs
  const settledAt = isYoung ? now + connectMs + acceptMs : now // by this clock, since that of `$connect` may be wrong
  const socket = await closeSocket(
    context,
    { connectionId, extensions: row?.extensions ?? true, ...defined({ via: row?.via }) },
    { kicked, settledAt },
  )
  await removeSubscriptions(context, { connectionId, ...defined({ via: row?.via }) }, (each) => leaveNow(context, each))
  if (socket === 'failed') return 'failed' // the row that leads to it stays, so that another kick finds it
  if (principal !== null) await store.deletePrincipalConnection({ principal, connectionId })
  return row?.state === 'OPEN' || socket === 'closed' ? 'ended' : 'was closed'
}

/**
 * Closes the socket of a connection that is marked as closed. The gateway does not know a connection before it has
 * accepted it, and its `$connect` may have read the table before the mark: such a connection is closed again until it
 * cannot be accepted any more. `connecting`: this `$connect` reads the mark itself.
 */
async function closeSocket(
  context: RuntimeContext,
  connection: Parameters<typeof endKicked>[1],
  { kicked, settledAt }: { readonly kicked: Kicked; readonly settledAt: number },
): Promise<'closed' | 'gone' | 'failed'> {
  for (;;) {
    const outcome = await endKicked(context, connection, kicked)
    if (outcome !== 'gone' || context.connecting === connection.connectionId) return outcome
    if (context.clock.now() >= settledAt) return 'gone'
    await context.clock.sleep(pauseMs, context.deadline?.signal)
  }
}

/** Ends a session of presence without the grace period of a lost connection. */
async function leaveNow(context: RuntimeContext, { topic, seat: key, connectionId }: TopicSubscription): Promise<void> {
  const found = key && presenceAt(context, topic)
  if (found === undefined || key === undefined) return
  await removeSessionOn(context, { log: found.log, key, connectionId })
}

function isOf({ session: own }: PrincipalConnection, session: string | undefined): boolean {
  return session === undefined || own === session
}

function toSeconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}

function checkGateway({ gateway }: RuntimeContext): void {
  if (gateway !== undefined) return
  throw new Error(
    'Expected a gateway that closes connections, got a backend without one. Set TRUNKLINE_CALLBACK_URL to the callback URL of the stage.',
  )
}

function anonymousBan(): TypeError {
  return new TypeError(
    'Expected a connection with a principal to ban, got an anonymous or unknown one. Kick it without ban.',
  )
}
