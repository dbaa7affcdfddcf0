import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCursor, parseCursor } from './cursor.ts'

const epoch = fc.string({ unit: fc.constantFrom(...'0123456789abcxyz.-'), minLength: 1, maxLength: 64 })
const cursor = fc.record({ epoch, offset: fc.maxSafeNat() })

describe('a cursor', () => {
  test('is the same after formatting and parsing [TL-CUR-1]', () => {
    fc.assert(
      fc.property(cursor, (value) => {
        expect(parseCursor(formatCursor(value))).toEqual(value)
      }),
    )
  })

  test('has exactly one text [TL-CUR-1]', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-z.-]{1,4}:[0-9]{1,17}$/), (text) => {
        const parsed = parseCursor(text)
        if (parsed !== undefined) expect(formatCursor(parsed)).toBe(text)
      }),
    )
  })

  test.each([
    'e',
    'e:',
    ':1',
    'e:-1',
    'e:1.5',
    'e:01',
    'e:1e3',
    'E:1',
    'e:1 ',
    ' e:1',
    'e:1\n',
    'é:1',
    'e:9007199254740992',
    'e:1:2',
    `${'a'.repeat(65)}:1`,
    5,
    null,
    undefined,
    ['e:1'],
    { toString: () => 'e:1' },
  ])('is not %j [TL-CUR-1]', (text) => {
    expect(parseCursor(text)).toBe(undefined)
  })

  test('is at most 2^53 − 1 [TL-CUR-1]', () => {
    expect(parseCursor(`e:${'9'.repeat(100_000)}`)).toBe(undefined)
    expect(parseCursor('e:9007199254740991')).toEqual({ epoch: 'e', offset: Number.MAX_SAFE_INTEGER })
    expect(parseCursor('e:0')).toEqual({ epoch: 'e', offset: 0 })
  })
})
