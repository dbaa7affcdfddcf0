import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { deleteConnection } from '../posting/post.ts'
import { endKicked } from './end-kicked.ts'

/** The JSON payload of the check of a connection that is not confirmed yet. It runs at least once. */
export interface UnconfirmedCheck {
  readonly unconfirmed: { readonly connectionId: string }
}

/**
 * Lets a connection that was refused or kicked, or that has announced connection parameters, be checked after `unconfirmedMs`,
 * whatever it sends until then. No other connection costs a request. A check that cannot be scheduled is logged, and
 * does not fail the handshake.
 */
// [TL-HELLO-7]
export async function scheduleUnconfirmedCheck(context: InvocationContext, caller: ConnectionCaller): Promise<void> {
  const { invoker, server, telemetry } = context
  if (caller.refused === undefined && caller.kicked === undefined && !caller.expectsParams) return
  const check: UnconfirmedCheck = { unconfirmed: { connectionId: caller.connectionId } }
  try {
    await invoker?.invokeDelayed?.(check, { delayMs: server.unconfirmedMs })
  } catch (thrown) {
    const message = 'The check of an unconfirmed connection could not be scheduled.'
    telemetry.log({ level: 'WARN', message, facts: { error: thrown instanceof Error ? thrown.message : thrown } })
  }
}

/**
 * Deletes a connection without a row, which was refused, one that the server has ended, and one whose announced
 * parameters have not come or were refused. Does nothing to any other. Safe to repeat.
 */
export async function checkUnconfirmed(
  context: InvocationContext,
  { unconfirmed: { connectionId } }: UnconfirmedCheck,
): Promise<void> {
  const row = await context.store.readConnection(connectionId)
  if (row?.kicked !== undefined) return void (await endKicked(context, row, row.kicked))
  const isConfirmed =
    row !== undefined && row.refused === undefined && (row.expectsParams !== true || row.connectionParams !== undefined)
  if (row?.state === 'CLOSED' || isConfirmed) return
  await deleteConnection(context, connectionId)
}
