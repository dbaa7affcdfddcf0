import type { Bundle } from './bundle.ts'
import type { Contestant } from './contestants.ts'
import { type ProbeOptions, probe } from './probe.ts'

/** A function with its bundle and the times of its starts, in milliseconds. */
export interface Measured {
  readonly contestant: Contestant
  readonly bundle: Bundle
  readonly initMs: readonly number[]
  readonly firstMs: readonly number[]
}

/**
 * Starts each function `runs` times, one process at a time. Each round starts every function once, so that other load
 * on the machine affects all of them equally.
 */
export async function measure(
  contestants: readonly { readonly contestant: Contestant; readonly bundle: Bundle }[],
  {
    runs,
    env,
    onRound,
  }: {
    readonly runs: number
    readonly env: NonNullable<ProbeOptions['env']>
    readonly onRound: (round: number) => void
  },
): Promise<readonly Measured[]> {
  const measured = contestants.map((each) => ({ ...each, initMs: [] as number[], firstMs: [] as number[] }))
  for (let round = 0; round <= runs; round++) {
    onRound(round)
    for (const { contestant, bundle, initMs, firstMs } of measured) {
      const start = await probe({ ...contestant, file: bundle.file, env })
      assertSuccess(contestant, start.answer)
      if (round === 0) continue // the first round fills the disk's cache
      initMs.push(start.initMs)
      firstMs.push(start.firstMs ?? 0)
    }
  }
  return measured
}

/** Throws when the function failed, since a fast failure must not count as a fast start. */
function assertSuccess({ name, what }: Contestant, answer: unknown): void {
  const text = JSON.stringify(answer) ?? ''
  if (/"error"|\\"error\\"|"statusCode":[45]|"itemIdentifier"/.test(text))
    throw new Error(`${name} failed ${what}: ${text}`)
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
