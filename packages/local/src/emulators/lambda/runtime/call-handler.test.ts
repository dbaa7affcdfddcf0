import { expect, test } from 'vitest'
import { callHandler } from './call-handler.ts'

class TeapotError extends Error {
  override readonly name = 'TeapotError'
}

test('returns the result as JSON text, and undefined as null', async () => {
  expect(await callHandler(() => ({ at: new Date(0), no: undefined }))).toEqual({
    status: 'ok',
    text: '{"at":"1970-01-01T00:00:00.000Z"}',
  })
  expect(await callHandler(() => undefined)).toEqual({ status: 'ok', text: 'null' })
  expect(await callHandler(() => () => 1)).toEqual({ status: 'ok', text: 'null' })
})

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
test.each([
  ['a BigInt', 1n],
  ['a cycle', cyclic],
  [
    'a toJSON that throws',
    {
      toJSON() {
        throw new Error('not me')
      },
    },
  ],
])('answers Runtime.MarshalError for %s', async (_what, result) => {
  expect(await callHandler(() => result)).toMatchObject({ status: 'error', errorType: 'Runtime.MarshalError' })
})

test.each([
  ['an error', () => Promise.reject(new TeapotError('short')), { errorType: 'TeapotError', errorMessage: 'short' }],
  [
    'a synchronous throw',
    () => {
      throw new TypeError('now')
    },
    { errorType: 'TypeError', errorMessage: 'now' },
  ],
  ['a string', () => Promise.reject('Unauthorized'), { errorType: 'string', errorMessage: 'Unauthorized' }],
  ['nothing', () => Promise.reject(undefined), { errorType: 'undefined', errorMessage: 'undefined' }],
  ['a symbol', () => Promise.reject(Symbol('s')), { errorType: 'symbol', errorMessage: 'Symbol(s)' }],
  ['an object without a prototype', () => Promise.reject(Object.create(null)), { errorType: 'handled' }],
])('reports %s that was thrown', async (_what, handler, expected) => {
  expect(await callHandler(handler)).toMatchObject({ status: 'error', ...expected })
})

test('rejects a result over 6 MB', async () => {
  expect(await callHandler(() => 'x'.repeat(6_291_555))).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' })
})
