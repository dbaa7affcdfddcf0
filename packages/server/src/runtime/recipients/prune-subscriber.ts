import type { Subscriber } from '../../ports/subscribers.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

/**
 * Deletes the row of a connection that is gone, and only this row [LAW-CONNECTION-ROW]. Its presence session ends after
 * the grace period. [TL-PRES-4]
 */
export async function pruneSubscriber(context: RuntimeContext, row: Subscriber): Promise<void> {
  await context.store.deleteSubscriber(row)
  await disconnectRow(context, { ...row, seat: row.presence?.seat })
}
