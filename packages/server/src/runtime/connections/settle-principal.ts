import type { ConnectionRow, SettledParams } from '../../ports/connections.ts'
import type { ConnectionCaller, ConnectionParams } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { callHook } from './call-hook.ts'
import { endKicked } from './end-kicked.ts'
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
  const { server, store, telemetry } = context
  const { connectionId } = caller
  const { identifyParams } = server
  let settled: SettledParams = { connectionParams: JSON.stringify(params) }
  // The handshake has settled the principal, so the parameters are only data.
  if (identifyParams !== undefined && caller.principal === null) {
    const row = await store.readConnection(connectionId)
    if (row?.state !== 'OPEN') return { status: 'absent' }
    if (row.connectionParams !== undefined || row.refused !== undefined) return { status: 'exists' }
    settled = await decide(context, identifyParams, { row, params })
    if ('principal' in settled) return settleNamed(context, row, settled)
    if (!('refused' in settled)) return settleAnonymous(context, row, settled)
  }
  const stored = await store.putConnectionParams(connectionId, settled)
  if (stored !== 'stored') return { status: stored }
  if (!('refused' in settled)) return { status: 'settled' }
  const reason = settled.refused
  telemetry.measure('refused', 1)
  telemetry.audit?.({ action: 'deny', connectionId, sessionId: publicSessionId(caller.session), reason })
  return { status: 'refused', reason }
}

type Named = Extract<SettledParams, { readonly principal: string }>

/**
 * Settles a principal as `$connect` does: writes the row that leads from it to the connection, and reads what it may not
 * do after the rows are written [LAW-REVOKE].
 */
// [TL-KICK-3]
async function settleNamed(context: InvocationContext, row: ConnectionRow, settled: Named): Promise<Settlement> {
  const { connectionId } = row
  const leading = principalRowOf({ ...row, ...settled })
  const [stored] = await Promise.all([
    context.store.putConnectionParams(connectionId, settled),
    leading && context.store.putPrincipalConnection(leading),
  ])
  const { issuedAt = issuedAtOf(row) } = settled
  const kicked = stored === 'stored' && leading && (await findRestriction(context, { ...leading, issuedAt }))
  if (leading !== undefined && (stored !== 'stored' || kicked)) await context.store.deletePrincipalConnection(leading) // another message has settled another principal, or none
  if (stored !== 'stored') return { status: stored }
  if (!kicked) return accept(context, row, settled.principal)
  await context.store.closeConnection(connectionId, row.expires, kicked)
  await endKicked(context, row, kicked)
  return { status: 'settled' }
}

async function settleAnonymous(
  context: InvocationContext,
  row: ConnectionRow,
  settled: SettledParams,
): Promise<Settlement> {
  const stored = await context.store.putConnectionParams(row.connectionId, settled)
  return stored === 'stored' ? accept(context, row, null) : { status: stored }
}

/** The connection is accepted as that of a principal, or of an anonymous caller. */
async function accept(
  context: InvocationContext,
  { connectionId, session }: ConnectionRow,
  principal: string | null,
): Promise<Settlement> {
  const info = { connectionId, sessionId: publicSessionId(session), principal }
  if (principal !== null) context.telemetry.audit?.({ action: 'connect', ...info })
  await callHook(context, 'onConnect', info)
  return { status: 'settled' }
}

interface Announced {
  readonly row: ConnectionRow
  readonly params: ConnectionParams
}

async function decide(
  context: InvocationContext,
  identifyParams: NonNullable<Server['identifyParams']>,
  { row, params }: Announced,
): Promise<SettledParams> {
  const { clock, deadline } = context
  const found = await withinDeadline(deadline.signal, identifyParams(params)) // the application's code may hang
  const connectionParams = JSON.stringify(params)
  if (found.status === 'anonymous') return { connectionParams }
  if (found.status === 'refused') return { refused: found.reason }
  if (found.authExp <= clock.now()) return { refused: 'This token has expired.' }
  const { principal, claims, authExp, issuedAt = clock.now() } = found
  // Read also before the row is written: from then on frames run.
  const kicked = await findRestriction(context, { principal, session: publicSessionId(row.session), issuedAt })
  return kicked === undefined ? { connectionParams, principal, claims, authExp, issuedAt } : { refused: kicked.reason }
}
