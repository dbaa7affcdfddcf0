import { expect, test } from 'vitest'
import { readBatchAnswer } from './batch-response.ts'

const numbers = ['8', '9', '10', '11']
const failed = (...ids: unknown[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) })

test.each([null, undefined, {}, { statusCode: 200 }, { batchItemFailures: [] }, { batchItemFailures: null }])(
  'reads %j as success',
  (payload) => {
    expect(readBatchAnswer(payload, numbers)).toBe('succeeded')
  },
)

test.each([
  failed(''),
  failed(null),
  failed('404'),
  failed('10', ''),
  { batchItemFailures: [{ id: '10' }] },
  { batchItemFailures: ['10'] },
  { batchItemFailures: 'all' },
  'ok',
  7,
])('fails the whole batch for %j', (payload) => {
  expect(readBatchAnswer(payload, numbers)).toEqual({ index: 0 })
})

test('uses the lowest sequence number, in any order', () => {
  expect(readBatchAnswer(failed('11', '9', '10'), numbers)).toEqual({ index: 1 })
})
