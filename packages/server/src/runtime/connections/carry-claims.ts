import type { ConnectionRow } from '../../ports/connections.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

const concurrentWrites = 16

/**
 * Writes the new claims of a connection into the topics' rows that hold claims: those of subscriptions with `filter` or
 * `map`. The connection's row has the claims already, since a concurrent subscribe reads it after it wrote its own row
 * [LAW-SERVER-IDENTITY]. `claimsPending` stays if this function dies: then the next `auth` writes the rows.
 */
export async function carryClaims(
  { store }: RuntimeContext,
  { connectionId, claims, renewedAt }: Required<Pick<ConnectionRow, 'connectionId' | 'claims' | 'renewedAt'>>,
): Promise<void> {
  const rows = await store.readSubscriptions(connectionId)
  const holding = rows.flatMap(({ id, ref, on, topic, shard, claims: holdsClaims }) =>
    holdsClaims && on && topic !== undefined && shard !== undefined ? [{ connectionId, id, ref, topic, shard }] : [],
  )
  for (let at = 0; at < holding.length; at += concurrentWrites) {
    const some = holding.slice(at, at + concurrentWrites)
    await Promise.all(some.map((row) => store.setSubscriberClaims({ ...row, claims, renewedAt })))
  }
  await store.settleClaims(connectionId, renewedAt)
}
