import { describe, expect, test } from 'vitest'
import { type Duration, parseDuration } from './duration.ts'

describe('a duration', () => {
  test.each<[Duration, number]>([
    [0, 0],
    [1_500, 1_500],
    ['250ms', 250],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('of %j is %d ms', (duration, ms) => {
    expect(parseDuration(duration)).toBe(ms)
  })
  test.each(['', '7', '7 d', '7days', '-1s', '1e3s', 'd', '٧d', -1, Number.NaN, Number.POSITIVE_INFINITY, null, {}])(
    'of %j is refused in words that say what was expected',
    (duration) => {
      expect(() => parseDuration(duration as Duration)).toThrow(/Expected milliseconds or a duration such as/)
    },
  )
})
