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
  return { ...counts, broken: Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number> }
}

/** Adds the outcome of one schedule. */
export function addOutcome(totals: Totals, outcome: Outcome): void {
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
export function addTotals(totals: Totals, { broken, ...counts }: Totals): void {
  for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof counts] += count
  for (const kind of kinds) totals.broken[kind] += broken[kind]
}

/** Formats the totals for the final report. */
export function formatTotals(totals: Totals, seconds: number): string {
  const { schedules, failed, broken, ...rest } = totals
  const counts = Object.entries(rest).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  return [
    `schedules ${schedules.toLocaleString('en')} (${failed} failed) in ${seconds.toFixed(1)} s: ${(schedules / seconds).toFixed(1)} a second`,
    counts.join(', '),
    kinds.map((kind) => `${kind} ${broken[kind]}`).join(', '),
  ].join('\n')
}
