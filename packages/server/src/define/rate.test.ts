import { withDocs } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { parseRate, type RateText } from './rate.ts'

describe('a rate', () => {
  test.each<[RateText, number, number]>([
    ['5/s', 5, 1_000],
    ['100/m', 100, 60_000],
    ['10/h', 10, 3_600_000],
    ['999999999999/s', 999_999_999_999, 1_000],
  ])('of %j is %d in %d ms', (text, limit, periodMs) => {
    expect(parseRate('rate', text)).toEqual({ limit, periodMs })
  })
  test.each([
    ['', '""'],
    ['5', '"5"'],
    ['5/d', '"5/d"'],
    ['5 / s', '"5 / s"'],
    ['5/s ', '"5/s "'],
    ['5/sec', '"5/sec"'],
    ['0/s', '"0/s"'],
    ['-1/s', '"-1/s"'],
    ['1.5/s', '"1.5/s"'],
    ['1e3/s', '"1e3/s"'],
    ['05/s', '"05/s"'],
    ['٥/s', '"٥/s"'],
    ['9'.repeat(99), `"${'9'.repeat(40)}"`],
    [5, 'the number 5'],
    [Number.NaN, 'the number NaN'],
    [true, 'the boolean true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{}, 'object'],
    [['5/s'], 'object'],
  ])('of %j is refused with what was expected and what came', (given, came) => {
    expect(() => parseRate('meta.rate of "a.b"', given)).toThrow(
      new TypeError(
        withDocs(
          'options',
          `Expected meta.rate of "a.b" to be a rate such as '5/s', '100/m' or '10/h', got ${came}. ` +
            'Give a whole number above 0, and s, m or h for a second, a minute or an hour.',
        ),
      ),
    )
  })
})
