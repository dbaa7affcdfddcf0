import type { AuthFrame } from '@trunkline/protocol'
import type { ConnectionRow } from '../../ports/connections.ts'
import { type ConnectionCaller, isExpired } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import { publicSessionId } from '../context/public-session.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import type { Identified } from '../context/served-application.ts'
import { TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import type { Frame } from '../encoding/encode.ts'
import { type RequestInfo, rejectRequest } from '../encoding/error-response.ts'
import { deleteConnection } from '../posting/post.ts'
import { type CarriedClaims, carryClaims } from './carry-claims.ts'
import { readCaller } from './connect.ts'
import { endKicked } from './end-kicked.ts'
import { findRestriction, issuedAtOf } from './restrictions.ts'

/** An `auth` comes at least this long after the one before, unless the authority has ended. */
const minMs = 10_000

/**
 * The caller with valid authority; checked at each frame. The gateway keeps sending the authority of the handshake, so
 * after that has expired, the connection's row is read in case it was renewed. Throws AUTH_EXPIRED. [TL-ERR-5]
 * [TL-AUTH-2]
 */
export async function holdAuthority(context: InvocationContext, caller: ConnectionCaller): Promise<ConnectionCaller> {
  const now = context.clock.now()
  if (!isExpired(caller, now)) return caller
  const renewed = caller.via === 'request' ? undefined : await readCaller(context, caller.connectionId)
  if (renewed !== undefined && renewed.kicked === undefined && !isExpired(renewed, now)) return renewed
  throw new TrunklineError('AUTH_EXPIRED', 'The authority of this connection has expired; send a fresh token.')
}

/**
 * `auth`: renews the authority of an open connection by a token of the same principal, and returns the answer
 * [LAW-SERVER-IDENTITY]. Of two tokens the later expiry counts. Writes the connection's row, and no subscription's row
 * unless the claims changed: the expiry in those rows is a lower bound. The errors of subscriptions that other claims
 * have ended come first, so that the client does not sync them. Throws UNAUTHORIZED, RATE_LIMITED, and CONNECTION_LOST
 * if the connection is closed.
 */
// [TL-AUTH-1] [TL-AUTH-6] [TL-RIGHT-3] {"id":4,"result":{"type":"authorized","authExpires":…}}
export async function renewAuthority(
  context: InvocationContext,
  caller: ConnectionCaller,
  frame: AuthFrame,
): Promise<readonly Frame[]> {
  const { connectionId } = caller
  const row = await readRenewable(context, caller)
  const identified = context.server.identify(frame.params.token, connectionId)
  // [LAW-DEADLINE]: the application's code may hang.
  const found = await withinDeadline(context.deadline, identified)
  if (found.status === 'refused') throw new TokenRefused(found.reason)
  if (found.authExp <= context.clock.now()) throw new TokenRefused('This token has expired.')
  if (found.principal !== row.principal)
    throw new TokenRefused('This token is of another principal; connect anew with it.')
  const { authExp, ended, failed } = await renew(context, row, found)
  if (failed !== undefined) return [...ended, rejectRequest(context, requestOf(frame), failed.thrown)]
  return [...ended, { id: frame.id, result: { type: 'authorized', authExpires: authExp } }]
}

/**
 * Ends the connection if its principal is banned or the token was revoked. Read after the renewal was written, so that a
 * revocation meanwhile finds the one or the other [LAW-REVOKE]. Throws UNAUTHORIZED then. A connection for which it
 * cannot be read is closed too, since its row has the authority already.
 */
// [TL-KICK-3]
async function endIfRestricted(context: InvocationContext, row: ConnectionRow, found: Known): Promise<void> {
  const { principal } = found
  const issuedAt = found.issuedAt ?? context.clock.now()
  const session = publicSessionId(row.session)
  const kicked = await findRestriction(context, { principal, session, issuedAt }).catch(async (thrown: unknown) => {
    await context.store.closeConnection(row.connectionId, row.expires).catch(() => {})
    if (row.via === undefined) await deleteConnection(context, row.connectionId)
    throw thrown
  })
  if (kicked === undefined) return
  await context.store.closeConnection(row.connectionId, row.expires, kicked)
  await endKicked(context, row, kicked)
  throw new TokenRefused(kicked.reason)
}

/** The connection of an `auth`. */
type Renewing = Pick<ConnectionCaller, 'connectionId' | 'via'>

/** The row of an open connection whose last `auth` is long enough ago. Throws RATE_LIMITED and CONNECTION_LOST. */
// [TL-AUTH-5]
async function readRenewable(context: InvocationContext, caller: Renewing): Promise<ConnectionRow> {
  const row = await context.store.readConnection(caller.connectionId)
  if (row?.state !== 'OPEN') return loseConnection(context, caller)
  const now = context.clock.now()
  const retryAfterMs = Math.min(minMs, (row.renewedAt ?? Number.NEGATIVE_INFINITY) + minMs - now)
  if (retryAfterMs <= 0 || isExpired(row, now)) return row
  throw new TrunklineError(
    'RATE_LIMITED',
    `Expected at most one auth in ${minMs / 1_000} s while the authority lasts, got another. Send it again in ${retryAfterMs} ms.`,
    { retryAfterMs },
  )
}

function requestOf({ id }: AuthFrame): RequestInfo {
  return { id, type: 'unknown', cause: 'frame' }
}

type Known = Identified & { readonly status: 'known' }

/**
 * Writes the authority, and returns when it ends and what its claims did. If another `auth` came between, this one is
 * judged again.
 */
async function renew(
  context: InvocationContext,
  row: ConnectionRow,
  found: Known,
): Promise<CarriedClaims & { readonly authExp: number }> {
  const { connectionId, principal, renewedAt: follows } = row
  const { claims } = found
  const authExp = Math.max(found.authExp, row.authExp ?? found.authExp) // both were granted
  const renewedAt = Math.max(context.clock.now(), (follows ?? 0) + 1)
  const claimsPending = row.claimsPending === true || claims !== row.claims
  const issued = found.issuedAt ?? context.clock.now()
  const issuedAt = authExp > found.authExp ? Math.min(issued, issuedAtOf(row)) : issued
  const renewal = { authExp, claims, renewedAt, issuedAt, follows, claimsPending }
  const renewed = await context.store.renewConnection(connectionId, renewal)
  if (renewed === 'absent') return loseConnection(context, row)
  if (renewed === 'changed') return renew(context, await readRenewable(context, row), found)
  await endIfRestricted(context, row, found)
  if (claims !== row.claims) {
    const { principal, session } = row
    context.telemetry.audit?.({ action: 'claims', connectionId, sessionId: publicSessionId(session), principal })
  }
  if (!claimsPending) return { authExp, ended: [] }
  return { authExp, ...(await carryClaims(context, { connectionId, principal, claims, renewedAt })) }
}

/** The connection is closed, or a restored table lacks its row. [TL-SUB-16] */
async function loseConnection(context: RuntimeContext, { connectionId, via }: Renewing): Promise<never> {
  if (via === undefined) await deleteConnection(context, connectionId)
  throw new TrunklineError('CONNECTION_LOST', 'This connection is closed.', { mayHaveRun: false })
}
