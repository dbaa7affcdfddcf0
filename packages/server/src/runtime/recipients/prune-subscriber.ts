import type { Subscriber } from '../../ports/store.ts'
import type { Scope } from '../context/scope.ts'
import { loseRow } from '../presence/rows/disconnect-session.ts'

/** A post was answered that the connection is gone: this one row goes (law 8), and its seat is free after the grace. [TL-PRES-4] */
export async function forget(scope: Scope, row: Subscriber): Promise<void> {
  await scope.store.deleteSubscriber(row)
  await loseRow(scope, { ...row, seat: row.presence?.seat })
}
