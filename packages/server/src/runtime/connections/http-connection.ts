import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { Kicked } from '../../ports/connections.ts'
import { isSameSecret } from '../../ports/sha256.ts'
import { type ConnectionCaller, sessionIdOf } from '../context/caller.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'
import { callHook } from './call-hook.ts'
import { callerOfRow, connect, connectionExpires, removeSubscriptions } from './connect.ts'
import { findRestriction, principalRowOf } from './restrictions.ts'

/**
 * Why a connection over HTTP cannot be used.
 * - `expired`: its lifetime is over
 * - `kicked`: the server has ended it; `kicked` says why
 * - `unknown`: no open connection has this id and this session
 */
export type Gone = { readonly status: 'expired' | 'unknown' } | { readonly status: 'kicked'; readonly kicked: Kicked }

/** The sender of the frames of one HTTP request. `expires` is that of its connection's rows, in epoch seconds. */
export interface HttpSender {
  readonly caller: ConnectionCaller
  readonly expires: number
}

/** A name for a connection over HTTP. It is public: the session is the secret. */
export function nameHttpConnection(context: RuntimeContext): string {
  return `http-${randomName(context.clock, 22)}`
}

/** What a client may send as the name of its connection. Nothing is read for any other text. */
const isName = /^http-[0-9a-z]{22}$/

/**
 * Opens a connection over HTTP, as `$connect` opens a socket. A caller that may not be here is refused with the reason,
 * and has no connection. [TL-HTTP-2] [TL-HTTP-3]
 */
export async function openHttpConnection(context: InvocationContext, caller: ConnectionCaller): Promise<HttpSender> {
  const now = context.clock.now()
  const sender = { caller, expires: connectionExpires(now) }
  if (caller.refused !== undefined) return sender
  const connected = await connect(context, caller, now)
  if (connected.status === 'kicked') return { ...sender, caller: { ...caller, refused: connected.kicked.reason } }
  if (connected.status === 'open' && (await notifyConnect(context, caller))) return sender
  return { ...sender, caller: { ...caller, refused: 'The connection was closed while it opened.' } }
}

/** Calls `onConnect`. False if the hook itself has ended the connection. */
async function notifyConnect(context: InvocationContext, caller: ConnectionCaller): Promise<boolean> {
  if (context.server.onConnect === undefined) return true
  const { connectionId, principal } = caller
  const connecting = { ...context, connecting: connectionId }
  await callHook(connecting, 'onConnect', { connectionId, sessionId: sessionIdOf(caller), principal })
  return (await context.store.readConnection(connectionId))?.state === 'OPEN'
}

/** The same caller, refused if its principal may not be here: one read for a caller with a principal. [TL-KICK-3] */
export async function refuseRestricted(
  context: InvocationContext,
  caller: ConnectionCaller,
): Promise<ConnectionCaller> {
  const { principal, refused, issuedAt = context.clock.now() } = caller
  if (principal === null || refused !== undefined) return caller
  const kicked = await findRestriction(context, { principal, session: sessionIdOf(caller), issuedAt })
  return kicked === undefined ? caller : { ...caller, refused: kicked.reason }
}

/**
 * The caller of a request by its connection's row, which is read once and strongly consistent [LAW-SERVER-IDENTITY]. An
 * id of another session and an id that does not exist look the same.
 */
// [TL-HTTP-4]
export async function readHttpConnection(
  context: RuntimeContext,
  { connectionId, session }: Pick<ConnectionCaller, 'connectionId' | 'session'>,
): Promise<{ readonly status: 'open'; readonly sender: HttpSender } | Gone> {
  const row = isName.test(connectionId) ? await context.store.readConnection(connectionId) : undefined
  if (row?.via !== 'http' || !isSameSecret(row.session, session)) return { status: 'unknown' }
  if (row.kicked !== undefined) return { status: 'kicked', kicked: row.kicked }
  if (row.state !== 'OPEN') return { status: 'unknown' }
  if (row.expires * 1_000 <= context.clock.now()) return { status: 'expired' }
  return { status: 'open', sender: { caller: callerOfRow(row), expires: row.expires } }
}

/** Ends a connection over HTTP, as `$disconnect` ends a socket: CLOSED is final. Safe to repeat. [TL-HTTP-14] */
export async function closeConnection(
  context: InvocationContext,
  { connectionId, via, expires }: Pick<ConnectionCaller, 'connectionId' | 'via'> & { readonly expires: number },
  reason = 'closed by its client',
): Promise<void> {
  context.telemetry.measure('disconnects', 1)
  const row = await context.store.closeConnection(connectionId, expires)
  const leading = row && principalRowOf(row)
  if (leading !== undefined) await context.store.deletePrincipalConnection(leading)
  await removeSubscriptions(context, { connectionId, ...defined({ via }) }, (each) => disconnectRow(context, each))
  if (row?.state !== 'OPEN') return // another close has called the hook
  const { principal } = row
  const info = { connectionId, sessionId: sessionIdOf(row), principal, reason, kicked: false }
  await callHook(context, 'onDisconnect', info)
}
