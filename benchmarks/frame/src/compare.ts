/** One line of the result. `ratio` is absent for the control. */
export interface Row {
  readonly name: string
  /** Of CPU time, the least of the rounds. */
  readonly microseconds: number
  readonly ratio: number | undefined
}

interface Contestant {
  readonly name: string
  readonly run: () => Promise<unknown>
}

const rounds = 20

/**
 * Runs the control and the others in turn, so that each meets the same state of the machine. It compares the least CPU
 * time of the rounds: other processes of the machine can only add to it.
 */
export async function compare(
  control: Contestant,
  others: readonly Contestant[],
  seconds: number,
): Promise<readonly Row[]> {
  const contestants = [control, ...others]
  const budgetMs = (seconds * 1_000) / rounds
  const times = new Map<Contestant, number[]>(contestants.map((each) => [each, []]))
  for (const each of contestants) await measure(each, budgetMs) // warms up
  for (let round = 0; round < rounds; round++)
    for (const each of contestants) times.get(each)?.push(await measure(each, budgetMs))
  const least = (each: Contestant) => Math.min(...(times.get(each) ?? []))
  return contestants.map((each) => ({
    name: each.name,
    microseconds: least(each),
    ratio: each === control ? undefined : least(each) / least(control),
  }))
}

/** Microseconds of CPU time of one run, over as many as fit the budget. */
async function measure({ run }: Contestant, budgetMs: number): Promise<number> {
  const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()]
  let count = 0
  do {
    for (let n = 0; n < 20; n++) await run()
    count += 20
  } while (performance.now() - startedAt < budgetMs)
  const { user, system } = process.cpuUsage(usedBefore)
  return (user + system) / count
}
