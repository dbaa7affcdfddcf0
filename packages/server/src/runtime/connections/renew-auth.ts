import type { AuthFrame, AuthorizedResult } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type ConnectionCaller, isExpired } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import { deleteConnection } from '../posting/post.ts'
import { readCaller } from './connect.ts'

const concurrentWrites = 16

/**
 * The caller with valid authority; checked at each frame. The gateway keeps sending the authority of the handshake, so
 * after that has expired, the connection's row is read in case it was renewed. Throws AUTH_EXPIRED. [TL-ERR-5]
 * [TL-AUTH-2]
 */
export async function holdAuthority(context: InvocationContext, caller: ConnectionCaller): Promise<ConnectionCaller> {
  const now = context.clock.now()
  if (!isExpired(caller, now)) return caller
  const renewed = await readCaller(context, caller.connectionId)
  if (renewed !== undefined && !isExpired(renewed, now)) return renewed
  throw new TrunklineError('AUTH_EXPIRED', 'The authority of this connection has expired; send a fresh token.')
}

/**
 * `auth`: renews the authority of an open connection by a token of the same principal, and returns the result
 * [LAW-SERVER-IDENTITY]. Updates the connection first and then its subscriptions' rows, since a concurrent subscribe
 * reads the connection after it wrote its row. Throws UNAUTHORIZED, and CONNECTION_LOST if the connection is closed.
 */
// [TL-AUTH-1] {"id":4,"result":{"type":"authorized","authExpires":…}}
export async function renewAuthority(
  context: InvocationContext,
  caller: ConnectionCaller,
  frame: AuthFrame,
): Promise<AuthorizedResult> {
  const { connectionId } = caller
  const identified = context.server.identify(frame.params.token, connectionId)
  // [LAW-DEADLINE]: the application's code may hang.
  const found = await withinDeadline(context.deadline.signal, identified)
  if (found.status === 'refused') throw new TokenRefused(found.reason)
  if (found.authExp <= context.clock.now()) throw new TokenRefused('This token has expired.')
  if (found.principal !== caller.principal)
    throw new TokenRefused('This token is of another principal; connect anew with it.')
  const { authExp, claims } = found
  if ((await context.store.renewConnection(connectionId, { authExp, claims })) === 'absent') {
    await deleteConnection(context, connectionId) // it is closed, or a restored table lacks its row [TL-SUB-16]
    throw new TrunklineError('CONNECTION_LOST', 'This connection is closed.', { mayHaveRun: false })
  }
  const rows = await context.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, on, topic, shard }) =>
    on && topic !== undefined && shard !== undefined ? [{ connectionId, id, ref, topic, shard }] : [],
  )
  if (live.length > 0)
    await carryAuthority(context, { connectionId, authExp }, (current) => setAuthExp(context, live, current))
  return { type: 'authorized', authExpires: authExp }
}

type Row = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'>

async function setAuthExp(context: RuntimeContext, rows: readonly Row[], authExp: number | undefined): Promise<void> {
  for (let at = 0; at < rows.length; at += concurrentWrites)
    await Promise.all(
      rows.slice(at, at + concurrentWrites).map((row) => context.store.setSubscriberAuthExp({ ...row, authExp })),
    )
}

/**
 * Writes the expiry, then re-reads the connection and repeats if a concurrent `auth` changed it. The last writer always
 * leaves the current expiry [PROOF-STALE-EXPIRY].
 */
// [TL-AUTH-2]
export async function carryAuthority(
  context: RuntimeContext,
  { connectionId, authExp }: { readonly connectionId: string; readonly authExp: number | undefined },
  write: (authExp: number | undefined) => Promise<void>,
): Promise<void> {
  for (let current = authExp; ; ) {
    await write(current)
    const connection = await context.store.readConnection(connectionId)
    if (connection?.state !== 'OPEN' || connection.authExp === current) return
    current = connection.authExp
  }
}
