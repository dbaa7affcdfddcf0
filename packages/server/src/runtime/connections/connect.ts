import { defined, limits, type ReconnectFrame } from '@trunkline/protocol'
import type { ConnectionRow } from '../../ports/connections.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { encode } from '../encoding/encode.ts'
import { post } from '../posting/post.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

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

/**
 * `$connect`: writes the connection's row if none exists, since an earlier `$disconnect` wins [LAW-CONNECTION-ROW]. A
 * refused connection gets no row.
 */
export async function connect(context: RuntimeContext, caller: ConnectionCaller, connectedAt: number): Promise<void> {
  if (caller.refused !== undefined) return
  const row: ConnectionRow = {
    connectionId: caller.connectionId,
    state: 'OPEN',
    session: caller.session,
    principal: caller.principal,
    ...defined({ claims: caller.claims, authExp: caller.authExp }),
    extensions: caller.extensions,
    expectsParams: caller.expectsParams,
    expires: connectionExpires(connectedAt),
  }
  await context.store.putConnection(row)
  context.telemetry.measure('connects', 1)
}

/**
 * `$disconnect`: marks the connection CLOSED, which is final, then reads its subscriptions and deletes their rows
 * [LAW-CONNECTION-ROW]. Safe to repeat.
 */
export async function disconnect(context: RuntimeContext, connectionId: string, connectedAt: number): Promise<void> {
  context.telemetry.measure('disconnects', 1)
  await context.store.closeConnection(connectionId, connectionExpires(connectedAt))
  const rows = await context.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, topic, shard, seat }) =>
    topic === undefined || shard === undefined ? [] : [{ connectionId, id, ref, topic, shard, seat }],
  )
  for (let at = 0; at < live.length; at += concurrentDeletes)
    await Promise.all(live.slice(at, at + concurrentDeletes).map((row) => close(context, row)))
}

async function close(
  context: RuntimeContext,
  row: Parameters<RuntimeContext['store']['deleteSubscriber']>[0] & { readonly seat: PresenceSessionKey | undefined },
): Promise<void> {
  await context.store.deleteSubscriber(row)
  await disconnectRow(context, row)
}

/**
 * The caller according to the connection's row, for an event without the authorizer's context. Undefined if the
 * connection is not open.
 */
export async function readCaller(context: RuntimeContext, connectionId: string): Promise<ConnectionCaller | undefined> {
  const row = await context.store.readConnection(connectionId)
  if (row?.state !== 'OPEN') return undefined
  return {
    connectionId,
    session: row.session,
    principal: row.principal,
    ...defined({ claims: row.claims, authExp: row.authExp }),
    extensions: row.extensions,
    expectsParams: row.expectsParams ?? false,
  }
}
