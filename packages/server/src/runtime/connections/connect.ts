import { limits } from '@trunkline/protocol'
import type { ConnectionRow } from '../../ports/connections.ts'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

const graceMs = 10 * 60_000
const concurrentDeletes = 16 // of one connection's rows

/** When the rows of a connection expire, in epoch seconds: 10 minutes after the gateway's limit of 2 hours. */
export function connectionExpires(connectedAt: number): number {
  return Math.ceil((connectedAt + limits.lifetimeMs.value + graceMs) / 1_000)
}

/** The inverse of `connectionExpires`: when the connection was opened, rounded to a second. */
export function lifetimeOf(expires: number): { readonly openedAt: number } {
  return { openedAt: expires * 1_000 - limits.lifetimeMs.value - graceMs }
}

/**
 * `$connect`: writes the connection's row if none exists, since an earlier `$disconnect` wins [LAW-CONNECTION-ROW]. A
 * refused connection gets no row.
 */
export async function connect(scope: RuntimeContext, caller: ConnectionCaller, connectedAt: number): Promise<void> {
  if (caller.refused !== undefined) return
  const row: ConnectionRow = {
    connectionId: caller.connectionId,
    state: 'OPEN',
    session: caller.session,
    principal: caller.principal,
    ...(caller.claims === undefined ? {} : { claims: caller.claims }),
    ...(caller.authExp === undefined ? {} : { authExp: caller.authExp }),
    extensions: caller.extensions,
    expectsParams: caller.expectsParams,
    expires: connectionExpires(connectedAt),
  }
  await scope.store.putConnection(row)
  scope.telemetry.measure('connects', 1)
}

/**
 * `$disconnect`: marks the connection CLOSED, which is final, then reads its subscriptions and deletes their rows
 * [LAW-CONNECTION-ROW]. Safe to repeat.
 */
export async function disconnect(scope: RuntimeContext, connectionId: string, connectedAt: number): Promise<void> {
  scope.telemetry.measure('disconnects', 1)
  await scope.store.closeConnection(connectionId, connectionExpires(connectedAt))
  const rows = await scope.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, topic, shard, seat }) =>
    topic === undefined || shard === undefined ? [] : [{ connectionId, id, ref, topic, shard, seat }],
  )
  for (let at = 0; at < live.length; at += concurrentDeletes)
    await Promise.all(live.slice(at, at + concurrentDeletes).map((row) => close(scope, row)))
}

async function close(
  scope: RuntimeContext,
  row: Parameters<RuntimeContext['store']['deleteSubscriber']>[0] & { readonly seat: PresenceSeat | undefined },
): Promise<void> {
  await scope.store.deleteSubscriber(row)
  await disconnectRow(scope, row)
}

/**
 * The caller according to the connection's row, for an event without the authorizer's context. Undefined if the
 * connection is not open.
 */
export async function readCaller(scope: RuntimeContext, connectionId: string): Promise<ConnectionCaller | undefined> {
  const row = await scope.store.readConnection(connectionId)
  if (row?.state !== 'OPEN') return undefined
  return {
    connectionId,
    session: row.session,
    principal: row.principal,
    ...(row.claims === undefined ? {} : { claims: row.claims }),
    ...(row.authExp === undefined ? {} : { authExp: row.authExp }),
    extensions: row.extensions,
    expectsParams: row.expectsParams ?? false,
  }
}
