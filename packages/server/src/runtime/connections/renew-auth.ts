import type { AuthFrame } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type ConnectionCaller, isExpired } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext, RuntimeContext } from '../context/scope.ts'
import { TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import { frameText } from '../encoding/result-frames.ts'
import { deleteConnection } from '../posting/post.ts'
import { readCaller } from './connect.ts'

const rowsAtOnce = 16

/** The caller with an authority that holds now, checked at each frame. The gateway goes on telling what the handshake found, so once that has run out, the connection's row is asked whether it was renewed. [TL-ERR-5] [TL-AUTH-2] */
export async function holdAuthority(scope: InvocationContext, caller: ConnectionCaller): Promise<ConnectionCaller> {
  const now = scope.clock.now()
  if (!isExpired(caller, now)) return caller
  const renewed = await readCaller(scope, caller.connectionId)
  if (renewed !== undefined && !isExpired(renewed, now)) return renewed
  throw new TrunklineError('AUTH_EXPIRED', 'The authority of this connection has expired; send a fresh token.')
}

/**
 * `auth`: renews the authority of a living connection by a token of the same principal, and gives the answer's text [LAW-SERVER-IDENTITY].
 * First the connection, then its subscriptions' rows, as a subscribe that races this reads the connection after it wrote its row. Throws UNAUTHORIZED.
 */
// [TL-AUTH-1] {"id":4,"result":{"type":"authorized","authExpires":…}}
export async function renewAuthority(
  scope: InvocationContext,
  caller: ConnectionCaller,
  frame: AuthFrame,
): Promise<string> {
  const { connectionId } = caller
  const asked = scope.server.identify(frame.params.token, connectionId)
  const found = await withinDeadline(scope.deadline.signal, asked) // [LAW-DEADLINE]: the application's own code may hang
  if (found.status === 'refused') throw new TokenRefused(found.reason)
  if (found.authExp <= scope.clock.now()) throw new TokenRefused('This token has expired.')
  if (found.principal !== caller.principal)
    throw new TokenRefused('This token is of another principal; connect anew with it.')
  const { authExp, claims } = found
  if ((await scope.store.renewConnection(connectionId, { authExp, claims })) === 'absent') {
    await deleteConnection(scope, connectionId) // closed already, or its row went with a restore of the table [TL-SUB-16]
    throw new TrunklineError('CONNECTION_LOST', 'This connection is closed.', { mayHaveRun: false })
  }
  const rows = await scope.store.readSubscriptions(connectionId)
  const live = rows.flatMap(({ id, ref, on, topic, shard }) =>
    on && topic !== undefined && shard !== undefined ? [{ connectionId, id, ref, topic, shard }] : [],
  )
  if (live.length > 0)
    await carryAuthority(scope, connectionId, authExp, (standing) => setAuthExp(scope, live, standing))
  return frameText(JSON.stringify(frame.id), JSON.stringify({ type: 'authorized', authExpires: authExp }))
}

type Row = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'>

async function setAuthExp(scope: RuntimeContext, rows: readonly Row[], authExp: number | undefined): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce)
    await Promise.all(
      rows.slice(at, at + rowsAtOnce).map((row) => scope.store.setSubscriberAuthExp({ ...row, authExp })),
    )
}

/** Writes an expiry into rows, and looks at the connection afterwards: where another `auth` has renewed it meanwhile, its expiry is written instead, so that of writers who race the last leaves what stands. */
// [TL-AUTH-2]
export async function carryAuthority(
  scope: RuntimeContext,
  connectionId: string,
  authExp: number | undefined,
  write: (authExp: number | undefined) => Promise<void>,
): Promise<void> {
  for (let standing = authExp; ; ) {
    await write(standing)
    const connection = await scope.store.readConnection(connectionId)
    if (connection?.state !== 'OPEN' || connection.authExp === standing) return
    standing = connection.authExp
  }
}
