import { type Outcome, runSchedule, type ScheduleOptions } from './schedule.ts'

const mostRuns = 200

/**
 * Reduces the strikes of a failing schedule by delta debugging. Returns the smallest failing outcome that was found.
 */
export async function shrink(options: ScheduleOptions, failed: Outcome): Promise<Outcome> {
  let smallest = failed
  let runs = 0
  const rule = failed.violations[0]?.rule
  const fails = async (only: readonly string[]): Promise<boolean> => {
    if (runs >= mostRuns) return false
    runs += 1
    const outcome = await runSchedule({ ...options, only })
    const isSame = outcome.violations[0]?.rule === rule
    if (isSame && outcome.struck.length <= smallest.struck.length) smallest = outcome
    return isSame
  }
  if (await fails([])) return smallest
  let kept = failed.struck
  if (!(await fails(kept))) return failed // the limit of runs was reached, or the strikes alone do not reproduce it
  for (let parts = 2; kept.length > 1 && runs < mostRuns; ) {
    const size = Math.ceil(kept.length / parts)
    let found: readonly string[] | undefined
    for (let at = 0; at < kept.length && found === undefined; at += size) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(rest)) found = rest
    }
    if (found !== undefined) {
      // some of the remaining strikes no longer have an opportunity
      kept = smallest.struck.length < found.length ? smallest.struck : found
      parts = Math.max(2, parts - 1)
    } else if (size === 1) break
    else parts = Math.min(kept.length, parts * 2)
  }
  return smallest
}

/** The command that reproduces an outcome. */
export function replayCommand(
  { workload, transport }: { readonly workload: string; readonly transport?: string | undefined },
  { seed, struck }: Pick<Outcome, 'seed' | 'struck'>,
): string {
  const dimension = transport === undefined ? '' : ` --transport ${transport}`
  return `npm run simulate -- --replay ${seed}:${struck.join(',')} --workload ${workload}${dimension}`
}
