import { describe, expect, it } from 'vitest'
import { parseTraceparent } from './traceparent.ts'

const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('parseTraceparent', () => {
  it('accepts a W3C traceparent [TL-TRACE-1]', () => {
    expect(parseTraceparent(valid)).toBe(valid)
    expect(parseTraceparent(valid.replace(/^00/, 'cc'))).toBe(valid.replace(/^00/, 'cc'))
  })

  it.each([
    ['version ff', valid.replace(/^00/, 'ff')],
    ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['a parent of zeros', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['capitals', valid.toUpperCase()],
    ['one character less', valid.slice(0, -1)],
    ['a line break at the end', `${valid}\n`],
    ['more text at the end', `${valid}-${'x'.repeat(30_000)}`],
    ['a number', 7],
    ['an object', { toString: () => valid }],
    ['nothing', undefined],
  ])('ignores %s [TL-TRACE-1]', (_, value) => {
    expect(parseTraceparent(value)).toBeUndefined()
  })
})
