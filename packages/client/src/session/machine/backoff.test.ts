import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'
import { readSettings } from './settings.ts'

const delay = (attempt: number, chance: number, backoff?: { minMs?: number; maxMs?: number; factor?: number }) =>
  backoffMs({ state: { settings: readSettings({ ...(backoff && { backoff }) }) }, chance }, attempt)

test.each([
  [1, 0, 100],
  [1, 1, 500],
  [2, 1, 1_000],
  [7, 1, 30_000],
  [1_000, 1, 30_000],
  [1_000_000, 1, 30_000],
  [1_000, 0, 100],
  [7, 0.5, 15_050],
])('attempt %i with chance %d waits %i ms', (attempt, chance, ms) => {
  expect(delay(attempt, chance)).toBe(ms)
})

test.each([
  [{ minMs: 1_000 }, 1, 0, 1_000],
  [{ minMs: 1_000 }, 1, 1, 5_000],
  [{ minMs: 1_000 }, 2, 1, 10_000],
  [{ minMs: 20_000 }, 1, 1, 30_000],
  [{ maxMs: 2_000 }, 9, 1, 2_000],
  [{ maxMs: 50 }, 9, 0, 50],
  [{ factor: 3 }, 2, 1, 1_500],
  [{ factor: 1 }, 1_000, 1, 500],
  [{ minMs: 7, maxMs: 7 }, 3, 0.5, 7],
])('with %j, attempt %i with chance %d waits %i ms', (backoff, attempt, chance, ms) => {
  expect(delay(attempt, chance, backoff)).toBe(ms)
})
