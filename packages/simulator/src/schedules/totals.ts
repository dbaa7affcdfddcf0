import { type Kind, kinds } from '../kernel/report.ts'
import type { Outcome } from './schedule.ts'

/** The totals of many schedules. */
export interface Totals {
  schedules: number
  failed: number
  events: number
  faults: number
  published: number
  delivered: number
  gaps: number
  connections: number
  invocations: number
  /** Violations by kind; each schedule counts once per kind. */
  readonly broken: Record<Kind, number>
  /** By workload: its schedules, and how long one thread took for them. */
  readonly workloads: Map<string, { readonly schedules: number; readonly ms: number }>
}

export function createTotals(): Totals {
  const counts = {
    schedules: 0,
    failed: 0,
    events: 0,
    faults: 0,
    published: 0,
    delivered: 0,
    gaps: 0,
    connections: 0,
    invocations: 0,
  }
  const broken = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>
  return { ...counts, broken, workloads: new Map() }
}

/** Adds the outcome of one schedule, which took a thread `ms` milliseconds. */
export function addOutcome(
  totals: Totals,
  outcome: Outcome,
  { workload, ms }: { readonly workload: string; readonly ms: number },
): void {
  addTime(totals, workload, { schedules: 1, ms })
  totals.schedules += 1
  totals.failed += outcome.violations.length > 0 ? 1 : 0
  totals.events += outcome.events
  totals.faults += outcome.struck.length
  totals.published += outcome.published
  totals.delivered += outcome.delivered
  totals.gaps += outcome.gaps
  totals.connections += outcome.connections
  totals.invocations += outcome.invocations.length
  for (const kind of new Set(outcome.violations.map((violation) => violation.kind))) totals.broken[kind] += 1
}

/** Adds the totals of another thread. */
export function addTotals(totals: Totals, { broken, workloads, ...counts }: Totals): void {
  for (const [workload, time] of workloads) addTime(totals, workload, time)
  for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof counts] += count
  for (const kind of kinds) totals.broken[kind] += broken[kind]
}

function addTime({ workloads }: Totals, workload: string, time: { readonly schedules: number; readonly ms: number }) {
  const { schedules, ms } = workloads.get(workload) ?? { schedules: 0, ms: 0 }
  workloads.set(workload, { schedules: schedules + time.schedules, ms: ms + time.ms })
}

/** Formats the totals of a run of `seconds` seconds on `threads` threads for the final report. */
export function formatTotals(
  totals: Totals,
  { seconds, threads }: { readonly seconds: number; readonly threads: number },
): string {
  const { schedules, failed, broken, workloads, ...rest } = totals
  const counts = Object.entries(rest).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  return [
    `schedules ${schedules.toLocaleString('en')} (${failed} failed) in ${seconds.toFixed(1)} s: ${(schedules / seconds).toFixed(1)} a second`,
    counts.join(', '),
    kinds.map((kind) => `${kind} ${broken[kind]}`).join(', '),
    ...formatWorkloads(workloads, threads),
  ].join('\n')
}

/** How many schedules of each workload all threads would run in a second, the slowest first. */
function formatWorkloads(workloads: Totals['workloads'], threads: number): readonly string[] {
  if (workloads.size < 2) return []
  const rates = [...workloads].map(([name, { schedules, ms }]) => ({ name, rate: (threads * schedules * 1_000) / ms }))
  rates.sort((one, other) => one.rate - other.rate)
  const lines = rates.map(({ name, rate }) => `  ${name.padEnd(18)}${rate.toFixed(1).padStart(7)}`)
  return ['schedules a second, by workload:', ...lines]
}
