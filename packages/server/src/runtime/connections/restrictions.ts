import type { ConnectionRow, Kicked } from '../../ports/connections.ts'
import type { PrincipalConnection, Restriction } from '../../ports/principals.ts'
import { type Caller, sessionIdOf } from '../context/caller.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

/** A connection of a principal, whose token was issued at `issuedAt` (epoch milliseconds). */
export interface Restrictable {
  readonly principal: string
  /** The session's public id. */
  readonly session: string
  readonly issuedAt: number
}

/**
 * The row that leads from the principal of a connection to the connection. Undefined for an anonymous caller, and for a
 * row of an older version, whose connection no row leads to.
 */
export function principalRowOf({
  connectionId,
  principal,
  session,
  openedAt,
  expires,
}: ConnectionRow): PrincipalConnection | undefined {
  if (principal === null || openedAt === undefined) return undefined
  return { principal, connectionId, session: publicSessionId(session), openedAt, expires }
}

/**
 * Why a connection may not be open: its principal or its session is banned, or its token was revoked. Undefined if it
 * may. One strongly consistent read. Call it after the row of `principalRowOf` was written [LAW-REVOKE].
 */
export async function findRestriction(
  { store, clock }: Pick<RuntimeContext, 'store' | 'clock'>,
  { principal, session, issuedAt }: Restrictable,
): Promise<Kicked | undefined> {
  const now = clock.now()
  const rows = (await store.readRestrictions(principal)).filter((row) => concerns(row, session))
  const bans = rows.filter(({ kind, at }) => kind === 'ban' && at > now)
  const [ban] = bans.sort((a, b) => b.at - a.at)
  if (ban !== undefined) return { reason: ban.reason, until: ban.at }
  const revoked = rows.find(({ kind, at }) => kind === 'revoke' && issuedAt < at)
  return revoked && { reason: revoked.reason }
}

/**
 * Whether a run must end, because the server has ended its connection. `since` is when it began, in epoch milliseconds.
 * Reads the connection's row; where that was closed otherwise, as after a hand-over, also what the principal may not do.
 * Of an HTTP request without a connection, reads the latter alone.
 */
export async function isEnded(
  { store, clock }: Pick<RuntimeContext, 'store' | 'clock'>,
  caller: Caller,
  since: number,
): Promise<boolean> {
  const hasRow = caller.via !== 'request'
  if (!hasRow && caller.principal === null) return false
  const row = hasRow ? await store.readConnection(caller.connectionId) : undefined
  if (hasRow && row?.state !== 'CLOSED') return false
  if (row?.kicked !== undefined) return true
  const principal = caller.principal ?? row?.principal ?? null
  if (principal === null) return false
  const now = clock.now()
  const session = sessionIdOf(caller)
  const { issuedAt = caller.issuedAt } = row ?? {} // an `auth` may have brought a later token than that of the run
  const isOver = ({ kind, at }: Restriction) => {
    if (kind === 'kick') return at >= since
    return kind === 'ban' ? at > now : (issuedAt ?? since) < at
  }
  return (await store.readRestrictions(principal)).some((each) => concerns(each, session) && isOver(each))
}

function concerns(restriction: Restriction, session: string): boolean {
  return restriction.session === undefined || restriction.session === session
}

/** When the token of a connection was issued. A row of an older version does not say it: 0. */
export function issuedAtOf(row: Pick<ConnectionRow, 'issuedAt' | 'openedAt'>): number {
  return row.issuedAt ?? row.openedAt ?? 0
}
