import { defined, limits, type ReconnectFrame } from '@trunkline/protocol'
import type { ConnectionRow, Kicked } from '../../ports/connections.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { encode } from '../encoding/encode.ts'
import { post } from '../posting/post.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'
import { findRestriction, issuedAtOf, principalRowOf } from './restrictions.ts'

const graceMs = 10 * 60_000
const concurrentDeletes = 16 // of one connection's rows

/** When the rows of a connection expire, in epoch seconds: 10 minutes after the gateway's limit of 2 hours. */
export function connectionExpires(connectedAt: number): number {
  return Math.ceil((connectedAt + limits.lifetimeMs.value + graceMs) / 1_000)
}

/** tRPC's notice: the client opens a second socket, moves its subscriptions there, and closes this one. */
const notice: ReconnectFrame = { id: null, method: 'reconnect' }
const ageMs = 105 * 60_000

/**
 * Notifies a stock client on an ageing connection to move before the gateway closes it. A client with extensions knows
 * the limit and moves without a notice. [TL-HAND-4]
 */
export async function noticeAgeing(
  context: InvocationContext,
  { connectionId, extensions, expires }: Pick<Subscriber, 'connectionId' | 'extensions' | 'expires'>,
): Promise<void> {
  const openedAt = expires * 1_000 - limits.lifetimeMs.value - graceMs // as `connectionExpires` rounded it
  const age = context.clock.now() - openedAt
  if (!extensions && age >= ageMs && age < limits.lifetimeMs.value) await post(context, connectionId, encode(notice))
}

/** `$connect` has answered this long after it began to write its rows, or it refuses the connection. In milliseconds. */
export const connectMs = 5_000

/**
 * The result of `$connect`.
 * - `open`: the gateway may accept the connection
 * - `closed`: a `$disconnect` or a kick came before it
 * - `kicked`: its principal or its session is banned, or its token was revoked
 */
export type Connected = { readonly status: 'open' | 'closed' } | { readonly status: 'kicked'; readonly kicked: Kicked }

/**
 * `$connect`: writes the connection's row if none exists, since an earlier `$disconnect` wins [LAW-CONNECTION-ROW]. For
 * a caller with a principal also writes the row that leads from the principal to the connection, and then reads what the
 * principal may not do [LAW-REVOKE]. A connection that is not accepted is closed in the table. A connection that
 * `authorize` has refused gets no row. Throws when the table cannot be reached in time.
 */
export async function connect(
  context: InvocationContext,
  caller: ConnectionCaller,
  connectedAt: number,
): Promise<Connected> {
  if (caller.refused !== undefined) return { status: 'open' }
  const row = toRow(caller, { connectedAt, openedAt: context.clock.now() })
  using deadline = narrowDeadline(context.clock, context.deadline, connectMs)
  let connected: Connected = { status: 'closed' }
  try {
    connected = await withinDeadline(deadline, open(context, row))
  } finally {
    if (connected.status === 'closed') await withdraw(context, row).catch(() => {}) // the rows expire
  }
  if (connected.status === 'open') context.telemetry.measure('connects', 1)
  const { connectionId, session, principal } = row
  const event = { connectionId, sessionId: publicSessionId(session), principal }
  if (connected.status === 'open') context.telemetry.audit?.({ action: 'connect', ...event })
  if (connected.status === 'kicked') {
    context.telemetry.measure('refused', 1)
    context.telemetry.audit?.({ action: 'deny', ...event, reason: connected.kicked.reason })
  }
  return connected
}

async function open(context: RuntimeContext, row: ConnectionRow): Promise<Connected> {
  const leading = principalRowOf(row)
  const [put] = await Promise.all([
    context.store.putConnection(row),
    leading && context.store.putPrincipalConnection(leading),
  ])
  if (put === 'exists') return { status: 'closed' }
  const kicked = leading && (await findRestriction(context, { ...leading, issuedAt: issuedAtOf(row) }))
  if (kicked === undefined) return { status: 'open' }
  await withdraw(context, row, { ...kicked, refused: true })
  return { status: 'kicked', kicked }
}

/** Closes a connection that the gateway will not accept, and removes the row that leads to it. */
async function withdraw({ store }: RuntimeContext, row: ConnectionRow, kicked?: Kicked): Promise<void> {
  const leading = principalRowOf(row)
  await store.closeConnection(row.connectionId, row.expires, kicked)
  if (leading !== undefined) await store.deletePrincipalConnection(leading)
}

function toRow(
  caller: ConnectionCaller,
  { connectedAt, openedAt }: { readonly connectedAt: number; readonly openedAt: number },
): ConnectionRow {
  return {
    connectionId: caller.connectionId,
    state: 'OPEN',
    session: caller.session,
    principal: caller.principal,
    ...defined({ claims: caller.claims, authExp: caller.authExp, via: caller.via === 'http' ? caller.via : undefined }),
    extensions: caller.extensions,
    expectsParams: caller.expectsParams,
    openedAt,
    ...(caller.principal !== null && { issuedAt: caller.issuedAt ?? connectedAt }),
    expires: connectionExpires(connectedAt),
  }
}

/**
 * `$disconnect`: marks the connection CLOSED, which is final, removes the row that leads to it, then reads its
 * subscriptions and deletes their rows [LAW-CONNECTION-ROW]. Returns the connection's row as it was before; undefined if
 * it had none. Safe to repeat.
 */
export async function disconnect(
  context: RuntimeContext,
  connectionId: string,
  connectedAt: number,
): Promise<ConnectionRow | undefined> {
  context.telemetry.measure('disconnects', 1)
  const row = await context.store.closeConnection(connectionId, connectionExpires(connectedAt))
  const leading = row && principalRowOf(row)
  if (leading !== undefined) await context.store.deletePrincipalConnection(leading)
  await removeSubscriptions(context, { connectionId }, (each) => disconnectRow(context, each))
  return row
}

/** A connection's own row of a subscription to a topic. */
export type TopicSubscription = Pick<Subscriber, 'connectionId' | 'id' | 'ref' | 'topic' | 'shard'> & {
  readonly seat: PresenceSessionKey | undefined
}

/**
 * Deletes the topics' rows of a closed connection. `leave` ends its session of presence. Over HTTP no topic has a row.
 * [TL-HTTP-8]
 */
export async function removeSubscriptions(
  context: RuntimeContext,
  { connectionId, via }: Pick<ConnectionCaller, 'connectionId' | 'via'>,
  leave: (row: TopicSubscription) => Promise<void>,
): Promise<void> {
  const rows = await context.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, topic, shard, seat }) =>
    topic === undefined || shard === undefined ? [] : [{ connectionId, id, ref, topic, shard, seat }],
  )
  for (let at = 0; at < live.length; at += concurrentDeletes)
    await Promise.all(
      live.slice(at, at + concurrentDeletes).map(async (row) => {
        if (via === undefined) await context.store.deleteSubscriber(row)
        await leave(row)
      }),
    )
}

/**
 * The caller according to the connection's row, for an event without the authorizer's context. Undefined if the
 * connection is not open, unless the server has ended it: then the caller has `kicked`.
 */
export async function readCaller(context: RuntimeContext, connectionId: string): Promise<ConnectionCaller | undefined> {
  const row = await context.store.readConnection(connectionId)
  if (row === undefined || (row.state !== 'OPEN' && row.kicked === undefined)) return undefined
  return callerOfRow(row)
}

/** The caller of a connection's row. A deployment that writes `openedAt` gives each session of a presence its own row. */
export function callerOfRow(row: ConnectionRow): ConnectionCaller {
  const { connectionId, session, principal, extensions, expectsParams = false, openedAt } = row
  const namesSessions = openedAt === undefined ? undefined : true
  const { claims, authExp, issuedAt, kicked, via } = row
  const optional = defined({ claims, authExp, issuedAt, kicked, via, namesSessions })
  return { connectionId, session, principal, extensions, expectsParams, ...optional }
}
