import type { SettledParams } from '../../ports/connections.ts'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'

/**
 * What became of the parameters: they were stored, with the principal if they named one; they were refused; others came
 * before; or the connection is not open.
 */
export type Settlement =
  | { readonly status: 'settled' | 'exists' | 'absent' }
  | { readonly status: 'refused'; readonly reason: string }

/**
 * Decides by `authorize` who sent the announced parameters, and writes that with the parameters into the connection's
 * row, in one write and once. No frame that needs the caller runs before. Of messages that race, the first write decides.
 * If this function dies before it, nothing is settled. Throws what `authorize` throws.
 */
// [TL-HS-9]
export async function settlePrincipal(
  context: InvocationContext,
  caller: ConnectionCaller,
  params: ConnectionParams,
): Promise<Settlement> {
  const { server, store, telemetry } = context
  const { connectionId } = caller
  const { identifyParams } = server
  let settled: SettledParams = { connectionParams: JSON.stringify(params) }
  // The handshake has settled the principal, so the parameters are only data.
  if (identifyParams !== undefined && caller.principal === null) {
    const row = await store.readConnection(connectionId)
    if (row?.state !== 'OPEN') return { status: 'absent' }
    if (row.connectionParams !== undefined || row.refused !== undefined) return { status: 'exists' }
    settled = await decide(context, identifyParams, params)
  }
  const stored = await store.putConnectionParams(connectionId, settled)
  if (stored !== 'stored') return { status: stored }
  if (!('refused' in settled)) return { status: 'settled' }
  const reason = settled.refused
  telemetry.measure('refused', 1)
  telemetry.audit?.({ action: 'deny', connectionId, sessionId: publicSessionId(caller.session), reason })
  return { status: 'refused', reason }
}

async function decide(
  { clock, deadline }: InvocationContext,
  identifyParams: NonNullable<Server['identifyParams']>,
  params: ConnectionParams,
): Promise<SettledParams> {
  const found = await withinDeadline(deadline.signal, identifyParams(params)) // the application's code may hang
  const connectionParams = JSON.stringify(params)
  if (found.status === 'anonymous') return { connectionParams }
  if (found.status === 'refused') return { refused: found.reason }
  if (found.authExp <= clock.now()) return { refused: 'This token has expired.' }
  const { principal, claims, authExp } = found
  return { connectionParams, principal, claims, authExp }
}
