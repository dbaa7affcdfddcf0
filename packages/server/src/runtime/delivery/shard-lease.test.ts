import { describe, expect, test } from 'vitest'
import {
  acquiredLease,
  completedLease,
  requestLease,
  requestUndelivered,
  type ShardLease,
  slotLimit,
  withoutHolder,
} from './shard-lease.ts'

const now = 1_000
const range = (offset: number, through = offset) => ({ jobId: 'mine', epoch: 'e', offset, through })
/** Offsets 5 to 8 are being delivered. */
const held: ShardLease = {
  epoch: 'e',
  from: 5,
  through: 8,
  holder: { jobId: 'other', leaseId: 't', expiresAt: 2_000, start: 5 },
}
/** Offsets 5 to 8 are delivered. */
const free: ShardLease = { epoch: 'e', from: 5, through: 8 }

describe('a request for a lease is answered when', () => {
  test.each([
    ['the shard never had a lease', undefined, range(5), { status: 'acquired', start: 5 }],
    ['another job delivers these events', held, range(6, 8), { status: 'covered' }],
    ['another job delivers earlier events', held, range(9), { status: 'queued', nextOffset: 9 }],
    ['another job delivers some of the events', held, range(7, 12), { status: 'queued', nextOffset: 9 }],
    ['another job delivers later events', held, range(3), { status: 'queued', nextOffset: 3 }],
    ['a lower offset is recorded already', { ...held, nextOffset: 9 }, range(11), { status: 'queued', nextOffset: 9 }],
    ['a higher offset is recorded already', { ...held, nextOffset: 9 }, range(3), { status: 'queued', nextOffset: 3 }],
    [
      'the lease of the other job has expired',
      { ...held, holder: { jobId: 'other', leaseId: 't', expiresAt: now, start: 5 } },
      range(9),
      { status: 'acquired', start: 5 },
    ],
    [
      'the same job holds the lease and is repeated',
      { ...held, holder: { jobId: 'mine', leaseId: 't', expiresAt: 2_000, start: 6 } },
      range(6),
      { status: 'acquired', start: 6 },
    ],
    ['all events are delivered', free, range(5, 8), { status: 'covered' }],
    ['some events are delivered', free, range(7, 12), { status: 'acquired', start: 9 }],
    ['its events are the next ones', free, range(9), { status: 'acquired', start: 9 }],
    ['jobs of the events just before have not arrived', free, range(11), { status: 'acquired', start: 9 }],
    ['many events lie between', free, range(50), { status: 'acquired', start: 50 }],
    ['an earlier event is undelivered', { ...free, nextOffset: 6 }, range(9), { status: 'acquired', start: 6 }],
    ['the lease is of another epoch', { ...held, epoch: 'd' }, range(1), { status: 'acquired', start: 1 }],
  ] as const)('%s', (_, lease, requested, result) => {
    expect(requestLease(lease, requested, { now })).toEqual(result)
  })
})

test('an offset that another job recorded suffices only if it was written after the own events were appended', () => {
  expect(requestLease({ ...held, nextOffset: 9 }, range(11), { now, wasWrittenSince: true })).toEqual({
    status: 'covered',
  })
  expect(requestLease(held, range(11), { now, wasWrittenSince: true })).toEqual({ status: 'queued', nextOffset: 11 })
})
test('a job whose events have expired delivers only what an earlier holder left undelivered', () => {
  expect(requestUndelivered({ ...free, nextOffset: 6 }, 'mine', now)).toEqual({ status: 'acquired', start: 6 })
  for (const lease of [undefined, free, held])
    expect(requestUndelivered(lease, 'mine', now)).toEqual({ status: 'covered' })
})

describe('a lease', () => {
  const acquired = (start: number) => ({ jobId: 'mine', leaseId: 't', expiresAt: 9_000, epoch: 'e', start })
  const holder = (start: number) => ({ jobId: 'mine', leaseId: 't', expiresAt: 9_000, start })
  test('continues after the delivered events', () => {
    expect(acquiredLease(free, acquired(9), { through: 12, more: false })).toEqual({
      ...free,
      through: 12,
      holder: holder(9),
    })
  })
  test('that begins before the delivered events ends before them, and the next one continues after them', () => {
    expect(slotLimit(free, 2, 100)).toBe(3)
    expect(acquiredLease(free, acquired(2), { through: 4, more: true })).toEqual({
      ...free,
      from: 2,
      holder: holder(2),
      nextOffset: 9,
    })
  })
  test('replaces the delivered range when undelivered events lie between', () => {
    const replaced = { epoch: 'e', from: 50, through: 60, holder: holder(50), nextOffset: 61 }
    expect(acquiredLease(free, acquired(50), { through: 60, more: true })).toEqual(replaced)
  })
  test('that is released before its end leaves its events from its start on to the next one', () => {
    expect(withoutHolder({ ...held, nextOffset: 9 })).toEqual({ epoch: 'e', from: 5, through: 4, nextOffset: 5 })
  })
  test('that is completed leaves its range as delivered', () => {
    expect(completedLease({ ...held, nextOffset: 9 })).toEqual(free)
  })
})
