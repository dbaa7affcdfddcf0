import type { Subscriber } from '../../ports/subscribers.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { disconnectRow } from '../presence/rows/disconnect-session.ts'

/** A post was answered that the connection is gone: this one row goes [LAW-CONNECTION-ROW], and its seat is free after the grace. [TL-PRES-4] */
export async function pruneSubscriber(scope: RuntimeContext, row: Subscriber): Promise<void> {
  await scope.store.deleteSubscriber(row)
  await disconnectRow(scope, { ...row, seat: row.presence?.seat })
}
