import type { Clock } from '../../ports/clock.ts'

/** Values that are ready within this time go together; a slower one delays none of the others [LAW-ISOLATION]. */
const batchWindowMs = 100

/**
 * Passes the values of `pending` to `onReady` in groups: all of them in one group if all are ready within 100 ms, else
 * those that are ready then, and the rest in groups as they become ready. A value of `undefined` is left out. The
 * promises must not reject.
 */
export async function collectReady<T>(
  clock: Clock,
  pending: readonly Promise<T | undefined>[],
  onReady: (values: readonly T[]) => Promise<void> | void,
): Promise<void> {
  const ready = new Map<number, T>()
  let remaining = pending.length
  const all = Promise.all(
    pending.map(async (promise, index) => {
      const value = await promise
      remaining -= 1
      if (value !== undefined) ready.set(index, value)
    }),
  )
  while (remaining > 0) {
    await waitForBatch(clock, all)
    if (ready.size > 0) await onReady(drain(ready))
  }
  if (ready.size > 0) await onReady(drain(ready))
}

async function waitForBatch(clock: Clock, all: Promise<unknown>): Promise<void> {
  const done = new AbortController()
  await Promise.race([all, clock.sleep(batchWindowMs, done.signal)])
  done.abort(null)
}

/** Empties the map and returns its values in the order of `pending`. */
function drain<T>(ready: Map<number, T>): readonly T[] {
  const values = [...ready].sort(([a], [b]) => a - b).map(([, value]) => value)
  ready.clear()
  return values
}
