import type { ConnectionRow } from '../../ports/connections.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { isExpired } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { outgrown } from '../procedures/partitioned-subscription.ts'
import { isCurrent } from './current-rows.ts'
import { endSubscriber } from './end-subscriber.ts'

/**
 * Whether a subscriber may be posted to now. Returns a promise where the table must be read, which rejects when it
 * cannot be read.
 */
export type CanReceive = (row: Subscriber) => boolean | Promise<boolean>

/**
 * The check of one delivery. [TL-ERR-6] [TL-RIGHT-3] It is made at each post and not at the read of the rows, since
 * authority may expire during a long delivery. The expiry in a row is a lower bound: after it, the connection's row
 * decides, which is read once for each connection. A later expiry is written into the row, so that the next delivery
 * need not read [LAW-SERVER-IDENTITY].
 */
// [TL-AUTH-2]
export function createCanReceive(context: InvocationContext): CanReceive {
  const { clock, store } = context
  const connections = new Map<string, Promise<ConnectionRow | undefined>>()
  const raised = new Set<Subscriber>()
  const readOnce = (connectionId: string) => {
    const reading = connections.get(connectionId) ?? store.readConnection(connectionId)
    connections.set(connectionId, reading)
    return reading
  }
  const isAuthorized = async (row: Subscriber) => {
    const connection = await readOnce(row.connectionId)
    if (connection?.state !== 'OPEN' || isExpired(connection, clock.now())) return false
    if (connection.authExp !== undefined && !raised.has(row)) {
      raised.add(row)
      const { authExp } = connection
      await store.setSubscriberAuthExp({ ...row, authExp }).catch(() => {}) // the next delivery reads the connection again
    }
    return true
  }
  const decide = (row: Subscriber) => (isExpired(row, clock.now()) ? isAuthorized(row) : true)
  return (row) => {
    if (row.expires * 1_000 <= clock.now()) return false
    const error = outgrown(context, row)
    if (error !== undefined) return endSubscriber(context, row, error).then(() => false) // [TL-PART-7]
    const current = isCurrent(context, row)
    return typeof current === 'boolean' ? current && decide(row) : current.then((isOn) => isOn && decide(row))
  }
}
