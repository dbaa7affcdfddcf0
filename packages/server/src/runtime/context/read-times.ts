import type { Store } from '../../ports/store.ts'
import type { Subscriber } from '../../ports/subscribers.ts'

const times = new WeakMap<object, number>()

/** When the read of a topic's row began, in epoch milliseconds. Undefined for a row that this process did not read. */
export function readTimeOf(row: object): number | undefined {
  return times.get(row)
}

/** Records that a row was read, or confirmed by a read, which began at `time`. */
export function recordReadTime(row: object, time: number): void {
  times.set(row, time)
}

type RowRead = (result: never) => readonly Subscriber[]

/** The topics' rows in the results of the operations by which a delivery reads them. */
const rowsIn: Readonly<Partial<Record<keyof Store, RowRead>>> = {
  readSubscriber: (row: Subscriber | undefined) => (row === undefined ? [] : [row]),
  readSubscribers: ({ subscribers }: Awaited<ReturnType<Store['readSubscribers']>>) => subscribers,
  acquireDeliveryLock: (found: Awaited<ReturnType<Store['acquireDeliveryLock']>>) =>
    'row' in found ? [found.row] : [],
}

/** Records the read time of each row in the result of an operation that began at `time`. */
export function recordRowsOf(name: PropertyKey, time: number, result: unknown): void {
  if (!Object.hasOwn(rowsIn, name)) return
  for (const row of rowsIn[name as keyof Store]?.(result as never) ?? []) recordReadTime(row, time)
}
