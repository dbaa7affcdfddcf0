import type { Clock } from '../../ports/clock.ts'

/** What is ready within this time goes together; what takes longer holds nothing up [LAW-ISOLATION]. */
const gatherMs = 100

/** Hands over what these promises bring (undefined: nothing): all of it at once where all is soon there, and otherwise what is there now, then the rest as it comes. They must not reject. */
export async function collectReady<T>(
  clock: Clock,
  coming: readonly Promise<T | undefined>[],
  take: (ready: readonly T[]) => Promise<void> | void,
): Promise<void> {
  const ready = new Map<number, T>()
  let awaited = coming.length
  const all = Promise.all(
    coming.map(async (promise, index) => {
      const value = await promise
      awaited -= 1
      if (value !== undefined) ready.set(index, value)
    }),
  )
  while (awaited > 0) {
    await soon(clock, all)
    if (ready.size > 0) await take(takeAll(ready))
  }
  if (ready.size > 0) await take(takeAll(ready))
}

async function soon(clock: Clock, all: Promise<unknown>): Promise<void> {
  const done = new AbortController()
  await Promise.race([all, clock.sleep(gatherMs, done.signal)])
  done.abort(null)
}

function takeAll<T>(ready: Map<number, T>): readonly T[] {
  const values = [...ready].sort(([a], [b]) => a - b).map(([, value]) => value)
  ready.clear()
  return values
}
