import { expect, it } from 'vitest'
import type { Outcome } from './schedule.ts'
import { addOutcome, addTotals, createTotals, formatTotals } from './totals.ts'

const outcome: Outcome = {
  ...{ seed: 1, violations: [], struck: [], events: 9, published: 1, delivered: 1, gaps: 0, connections: 1 },
  ...{ invocations: [], hash: '' },
}

it('reports how many schedules of each workload all threads together would run in a second', () => {
  const [totals, other] = [createTotals(), createTotals()]
  addOutcome(totals, outcome, { workload: 'chat', ms: 10 })
  addOutcome(other, outcome, { workload: 'chat', ms: 30 })
  addOutcome(other, outcome, { workload: 'race', ms: 5 })
  addTotals(totals, other)
  const lines = formatTotals(totals, { seconds: 0.03, threads: 2 }).split('\n')
  expect(lines[0]).toBe('schedules 3 (0 failed) in 0.0 s: 100.0 a second')
  expect(lines.slice(-2).map((line) => line.trim().split(/ +/))).toEqual([
    ['chat', '100.0'],
    ['race', '400.0'],
  ])
})
