import type { RuntimeContext } from './runtime-context.ts'

const firstMs = 20
const maxMs = 2_000

/**
 * Waits before a writer that has lost `lost` races in a row writes again [LAW-BACK-OFF]. The first retry is immediate.
 * Each later pause is random between 0 and a bound that doubles with each lost race, from 20 ms to 2 s: writers that
 * lost to each other do not meet again. Returns whether it waited, so that what the caller knows of the item is old.
 * Throws the reason of the deadline when that passes.
 */
export async function backOff({ clock, deadline }: RuntimeContext, lost: number): Promise<boolean> {
  if (lost < 2) return false
  const bound = Math.min(maxMs, firstMs * 2 ** (lost - 2))
  await clock.sleep(clock.random() * bound, deadline?.signal)
  deadline?.signal.throwIfAborted()
  return true
}
