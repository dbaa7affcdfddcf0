import type { ConnectionRow, SettledParams } from '../../ports/connections.ts'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { callHook } from './call-hook.ts'
import { findRestriction, issuedAtOf, principalRowOf } from './restrictions.ts'

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
  const { server, store } = context
  const { connectionId } = caller
  const { identifyParams } = server
  if (identifyParams === undefined || caller.principal !== null) {
    // Nobody decides, or the handshake has settled the principal: the parameters are only data.
    const stored = await store.putConnectionParams(connectionId, { connectionParams: JSON.stringify(params) })
    return { status: stored === 'stored' ? 'settled' : stored }
  }
  const row = await store.readConnection(connectionId)
  if (row?.state !== 'OPEN') return { status: 'absent' }
  if (row.connectionParams !== undefined || row.refused !== undefined) return { status: 'exists' }
  const settled = await decide(context, identifyParams, params)
  if ('principal' in settled) return settleNamed(context, row, settled)
  if ('refused' in settled) return settleRefused(context, row, settled.refused)
  return settleAccepted(context, row, settled)
}

type Named = Extract<SettledParams, { readonly principal: string }>

/**
 * Settles a principal. The row that leads from it to the connection is written first, then what it may not do is read,
 * and then frames may run [LAW-REVOKE]: a kick that this read misses finds the row, also if this function dies.
 */
// [TL-KICK-3]
async function settleNamed(context: InvocationContext, row: ConnectionRow, settled: Named): Promise<Settlement> {
  const { store } = context
  const { connectionId } = row
  const { principal, issuedAt = issuedAtOf(row) } = settled
  const leading = principalRowOf({ ...row, ...settled })
  if (leading !== undefined) await store.putPrincipalConnection(leading)
  const kicked = await findRestriction(context, { principal, session: publicSessionId(row.session), issuedAt })
  const settlement =
    kicked === undefined
      ? await settleAccepted(context, row, settled)
      : await settleRefused(context, row, kicked.reason)
  if (settlement.status === 'settled' || leading === undefined) return settlement
  // Of another message that has settled the same principal, the row stays.
  const current = settlement.status === 'exists' ? await store.readConnection(connectionId) : undefined
  if (current?.state !== 'OPEN' || current.principal !== principal) await store.deletePrincipalConnection(leading)
  return settlement
}

async function settleRefused(
  { store, telemetry }: InvocationContext,
  { connectionId, session }: ConnectionRow,
  reason: string,
): Promise<Settlement> {
  const stored = await store.putConnectionParams(connectionId, { refused: reason })
  if (stored !== 'stored') return { status: stored }
  telemetry.measure('refused', 1)
  telemetry.audit?.({ action: 'deny', connectionId, sessionId: publicSessionId(session), reason })
  return { status: 'refused', reason }
}

/** Accepts the connection as that of a principal, or of an anonymous caller. */
async function settleAccepted(
  context: InvocationContext,
  { connectionId, session }: ConnectionRow,
  settled: Exclude<SettledParams, { readonly refused: string }>,
): Promise<Settlement> {
  const stored = await context.store.putConnectionParams(connectionId, settled)
  if (stored !== 'stored') return { status: stored }
  const principal = 'principal' in settled ? settled.principal : null
  const info = { connectionId, sessionId: publicSessionId(session), principal }
  if (principal !== null) context.telemetry.audit?.({ action: 'connect', ...info })
  await callHook(context, 'onConnect', info)
  return { status: 'settled' }
}

async function decide(
  { clock, deadline }: InvocationContext,
  identifyParams: NonNullable<Server['identifyParams']>,
  params: ConnectionParams,
): Promise<SettledParams> {
  const found = await withinDeadline(deadline, identifyParams(params)) // the application's code may hang
  const connectionParams = JSON.stringify(params)
  if (found.status === 'anonymous') return { connectionParams }
  if (found.status === 'refused') return { refused: found.reason }
  if (found.authExp <= clock.now()) return { refused: 'This token has expired.' }
  const { principal, claims, authExp, issuedAt = clock.now() } = found
  return { connectionParams, principal, claims, authExp, issuedAt }
}
