import { expect, it } from 'vitest'
import { timeOfDay } from './clock-words.ts'

it('shows a time without a leading zero', () => {
  expect(timeOfDay(new Date(2026, 0, 5, 9, 5).getTime())).toMatch(/^9[:.]05/)
  expect(timeOfDay(new Date(2026, 0, 5, 23, 40).getTime())).toMatch(/^(23|11)[:.]40/)
})
