import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

test.each([
  [1, 0, 100],
  [1, 1, 500],
  [2, 1, 1_000],
  [7, 1, 30_000],
  [1_000, 1, 30_000],
  [1_000, 0, 100],
  [7, 0.5, 15_050],
])('attempt %i with chance %d waits %i ms', (attempt, chance, ms) => {
  expect(backoffMs(attempt, chance)).toBe(ms)
})
