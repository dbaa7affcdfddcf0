import { limits } from '@trunkline/protocol'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { ConnectionRow } from '../../ports/connections.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

const graceMs = 10 * 60_000
const closing = 16 // rows of one connection deleted at a time

/** When the rows of a connection may go, in epoch seconds: 10 minutes after the gateway's 2 hours. */
export function connectionExpires(connectedAt: number): number {
  return Math.ceil((connectedAt + limits.lifetimeMs.value + graceMs) / 1_000)
}

/** The inverse: when the connection was opened, to the second. */
export function lifetimeOf(expires: number): { readonly openedAt: number } {
  return { openedAt: expires * 1_000 - limits.lifetimeMs.value - graceMs }
}

/** `$connect`: one write, and only if no row stands, since an early `$disconnect` wins [LAW-CONNECTION-ROW]. A refused connection leaves none. */
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

/** `$disconnect`: CLOSED, which is final, then its subscriptions, then their rows [LAW-CONNECTION-ROW]. Safe to repeat. */
export async function disconnect(scope: RuntimeContext, connectionId: string, connectedAt: number): Promise<void> {
  scope.telemetry.measure('disconnects', 1)
  await scope.store.closeConnection(connectionId, connectionExpires(connectedAt))
  const rows = await scope.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, topic, shard, seat }) =>
    topic === undefined || shard === undefined ? [] : [{ connectionId, id, ref, topic, shard, seat }],
  )
  for (let at = 0; at < live.length; at += closing)
    await Promise.all(live.slice(at, at + closing).map((row) => close(scope, row)))
}

async function close(
  scope: RuntimeContext,
  row: Parameters<RuntimeContext['store']['deleteSubscriber']>[0] & { readonly seat: PresenceSeat | undefined },
): Promise<void> {
  await scope.store.deleteSubscriber(row)
  await disconnectRow(scope, row)
}

/** The caller as its row says, for an event without the authorizer's words. */
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
