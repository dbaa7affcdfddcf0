import { expect, test } from 'vitest'
import { withLastEventId } from './last-event-id.ts'

test.each([
  [undefined, { lastEventId: 'L' }],
  [null, { lastEventId: 'L' }],
  [{ a: 1 }, { a: 1, lastEventId: 'L' }],
  ['text', 'text'],
  [[1], [1]],
  [5, 5],
])('a stock client that resumes with the input %j gives its procedure %j [TL-STOCK-3]', (input, expected) => {
  expect(withLastEventId(input, 'L')).toEqual(expected)
})

test('a fresh subscription leaves its input alone [TL-STOCK-3]', () => {
  expect(withLastEventId({ a: 1 }, undefined)).toEqual({ a: 1 })
})
