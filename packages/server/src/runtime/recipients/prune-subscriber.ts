import type { Subscriber } from '../../ports/subscribers.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

/**
 * Deletes the row of a connection that is gone, and only this row [LAW-CONNECTION-ROW]. Its presence session ends after
 * the grace period. [TL-PRES-4]
 */
export async function pruneSubscriber(scope: RuntimeContext, row: Subscriber): Promise<void> {
  await scope.store.deleteSubscriber(row)
  await disconnectRow(scope, { ...row, seat: row.presence?.seat })
}
