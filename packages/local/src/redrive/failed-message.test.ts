import { describe, expect, test } from 'vitest'
import { readFailedMessage } from './failed-message.ts'
import { formatJob } from './jobs.ts'

const batch = { streamArn: 'arn:s', shardId: 'shard-1', startSequenceNumber: '10', endSequenceNumber: '12' }
const job = { topic: 'room?room=s:x', offset: 7, to: [{ shard: 0, connectionId: 'c=', id: '1' }] }

describe('a message of an on-failure queue', () => {
  test.each([
    ['of an asynchronous delivery', { version: '1.0', requestPayload: job }, { kind: 'delivery', job }],
    ['that is a job itself', job, { kind: 'delivery', job }],
    [
      'that the queue of delayed work gave up',
      { presence: { topic: 'here?room=s:x', member: 'ann' } },
      { kind: 'check', check: { presence: { topic: 'here?room=s:x', member: 'ann' } } },
    ],
    [
      'of a check of presence',
      { version: '1.0', requestPayload: { presence: { topic: 'here?room=s:x', member: 'ann' } } },
      { kind: 'check', check: { presence: { topic: 'here?room=s:x', member: 'ann' } } },
    ],
    [
      'of a check of an unconfirmed connection',
      { unconfirmed: { connectionId: 'c=' } },
      { kind: 'check', check: { unconfirmed: { connectionId: 'c=' } } },
    ],
    [
      'of a stream’s batch',
      { version: '1.0', DDBStreamBatchInfo: { ...batch, batchSize: 3 } },
      { kind: 'batch', batch },
    ],
  ])('%s is understood', (_, body, expected) => {
    expect(readFailedMessage(JSON.stringify(body))).toEqual(expected)
  })
  test.each([
    ['another function’s event', { requestPayload: { call: 1 } }, 'an invocation that is not a delivery'],
    [
      'an event of an ephemeral channel',
      { requestPayload: { topic: 't', data: '1' } },
      'an event of an ephemeral channel, which is delivered at most once',
    ],
    [
      'an offset that is not a number',
      { requestPayload: { topic: 't', offset: '1' } },
      'an invocation that is not a delivery',
    ],
    [
      'a batch without its position',
      { DDBStreamBatchInfo: { shardId: 1 } },
      'a stream’s batch without its position in the stream',
    ],
    [
      'a long call',
      { requestPayload: { kind: 'call', client: { expires: 1 }, call: { path: 'x' } } },
      'a long call: its client got no answer, and has sent it again or given up',
    ],
    ['a worker’s job of an unknown kind', { kind: 'toString', client: {} }, 'not a record of a Lambda destination'],
    [
      'an unconfirmed connection without its id',
      { requestPayload: { unconfirmed: {} } },
      'an invocation that is not a delivery',
    ],
    [
      'a member without a topic',
      { requestPayload: { presence: { member: 'ann' } } },
      'an invocation that is not a delivery',
    ],
    ['nothing', null, 'not a record of a Lambda destination'],
    ['a list', [1], 'not a record of a Lambda destination'],
  ])('of %s stays in the queue, with the reason', (_, body, reason) => {
    expect(readFailedMessage(JSON.stringify(body))).toEqual({ kind: 'other', reason })
  })
  test('that is not JSON stays in the queue', () => {
    expect(readFailedMessage('{nope')).toEqual({ kind: 'other', reason: 'not a record of a Lambda destination' })
  })
})

describe('a job', () => {
  test('is described by the topics and offsets of all its events', () => {
    const beside = [{ topic: 'room?room=s:y', offset: 3, through: 9, from: 'c', rows: 100 }]
    expect(formatJob({ topic: 'room?room=s:x', offset: 7 })).toBe('room?room=s:x 7')
    expect(formatJob({ topic: 'room?room=s:x', offset: 7, beside })).toBe('room?room=s:x 7, room?room=s:y 3 to 9')
  })
})
