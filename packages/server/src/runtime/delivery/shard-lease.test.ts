import { describe, expect, test } from 'vitest'
import { acquiredLease, atRest, ended, requestLease, requestRest, type ShardLease, slotsFor } from './shard-lease.ts'

const now = 1_000
const asked = (offset: number, through = offset) => ({ by: 'me', epoch: 'e', offset, through })
/** Offsets 5 to 8 are being delivered. */
const held: ShardLease = {
  epoch: 'e',
  from: 5,
  through: 8,
  holder: { jobId: 'other', leaseId: 't', expiresAt: 2_000, start: 5 },
}
const rest: ShardLease = { epoch: 'e', from: 5, through: 8 }

describe('whose turn it is', () => {
  test.each([
    ['nobody was ever there', undefined, asked(5), { status: 'free', start: 5 }],
    ['another is at these', held, asked(6, 8), { status: 'left' }],
    ['another is at earlier ones', held, asked(9), { status: 'note', nextOffset: 9 }],
    ['another is at some of them', held, asked(7, 12), { status: 'note', nextOffset: 9 }],
    ['another is at later ones', held, asked(3), { status: 'note', nextOffset: 3 }],
    ['another was asked already', { ...held, nextOffset: 9 }, asked(11), { status: 'note', nextOffset: 9 }],
    ['another was asked for more', { ...held, nextOffset: 9 }, asked(3), { status: 'note', nextOffset: 3 }],
    [
      'the other’s lease is over',
      { ...held, holder: { jobId: 'other', leaseId: 't', expiresAt: now, start: 5 } },
      asked(9),
      { status: 'free', start: 5 },
    ],
    [
      'it is one’s own, repeated',
      { ...held, holder: { jobId: 'me', leaseId: 't', expiresAt: 2_000, start: 6 } },
      asked(6),
      { status: 'free', start: 6 },
    ],
    ['all is done', rest, asked(5, 8), { status: 'left' }],
    ['some is done', rest, asked(7, 12), { status: 'free', start: 9 }],
    ['what is next is one’s own', rest, asked(9), { status: 'free', start: 9 }],
    ['jobs just before it have not come yet', rest, asked(11), { status: 'free', start: 9 }],
    ['much lies between', rest, asked(50), { status: 'free', start: 50 }],
    ['it was left undone', { ...rest, nextOffset: 6 }, asked(9), { status: 'free', start: 6 }],
    ['it is of another epoch', { ...held, epoch: 'd' }, asked(1), { status: 'free', start: 1 }],
  ] as const)('when %s', (_, turn, job, answer) => {
    expect(requestLease(turn, job, now)).toEqual(answer)
  })
})

test('a note of another’s is enough where it was written after one’s own events stood', () => {
  expect(requestLease({ ...held, nextOffset: 9 }, asked(11), now, true)).toEqual({ status: 'left' })
  expect(requestLease(held, asked(11), now, true)).toEqual({ status: 'note', nextOffset: 11 })
})
test('a job whose events are gone does what was left undone, and nothing else', () => {
  expect(requestRest({ ...rest, nextOffset: 6 }, 'me', now)).toEqual({ status: 'free', start: 6 })
  for (const turn of [undefined, rest, held]) expect(requestRest(turn, 'me', now)).toEqual({ status: 'left' })
})

describe('a turn that is taken', () => {
  const taken = (start: number) => ({ jobId: 'me', leaseId: 't', expiresAt: 9_000, epoch: 'e', start })
  const holder = (start: number) => ({ jobId: 'me', leaseId: 't', expiresAt: 9_000, start })
  test('goes on from what was delivered', () => {
    expect(acquiredLease(rest, taken(9), { through: 12, more: false })).toEqual({
      ...rest,
      through: 12,
      holder: holder(9),
    })
  })
  test('fills what lies before, and then looks at what came after', () => {
    expect(slotsFor(rest, 2, 100)).toBe(3)
    expect(acquiredLease(rest, taken(2), { through: 4, more: true })).toEqual({
      ...rest,
      from: 2,
      holder: holder(2),
      nextOffset: 9,
    })
  })
  test('begins anew where something lies between', () => {
    const anew = { epoch: 'e', from: 50, through: 60, holder: holder(50), nextOffset: 61 }
    expect(acquiredLease(rest, taken(50), { through: 60, more: true })).toEqual(anew)
  })
  test('that is left in the middle is asked for again from where it began', () => {
    expect(atRest({ ...held, nextOffset: 9 })).toEqual({ epoch: 'e', from: 5, through: 4, nextOffset: 5 })
  })
  test('that has ended stands as delivered', () => {
    expect(ended({ ...held, nextOffset: 9 })).toEqual(rest)
  })
})
