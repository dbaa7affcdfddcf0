import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyOrder, isBehind, type Order, type OrderedFrame, receive, recordHead, setPosition } from './sequencer.ts'

type Given = Partial<Pick<OrderedFrame, 'prev' | 'epoch' | 'size'>>
const at = (offset: number, { prev = offset - 1, epoch = 'e', size = 10 }: Given = {}): OrderedFrame => ({
  epoch,
  offset,
  prev,
  size,
  result: { type: 'data', id: `${epoch}:${offset}` },
})
const from = (offset: number, epoch = 'e'): Order => setPosition(emptyOrder, { epoch, offset }).order
const offsets = (frames: readonly OrderedFrame[]) => frames.map(({ offset }) => offset)

describe('the rule for one frame [TL-SUB-6] [LAW-COVERAGE] [LAW-RECEIVER-ORDERS]', () => {
  const table: readonly [string, number, OrderedFrame, readonly number[], string][] = [
    ['applies the next frame', 4, at(5), [5], 'whole'],
    ['applies a frame whose range overlaps the position', 4, at(6, { prev: 3 }), [6], 'whole'],
    ['drops a frame that is not newer', 5, at(5), [], 'whole'],
    ['drops a frame that is older', 5, at(2), [], 'whole'],
    ['holds a frame after a hole', 4, at(6), [], 'hole'],
    ['never applies a frame of another epoch [TL-SUB-8]', 4, at(5, { epoch: 'f' }), [], 'other-epoch'],
  ]
  test.each(table)('%s', (_, position, frame, applied, verdict) => {
    const ordered = receive(from(position), frame)
    expect(offsets(ordered.applied)).toEqual(applied)
    expect(ordered.verdict).toBe(verdict)
  })
})

test('held frames are applied in order after the frame that closes the hole', () => {
  let order = from(0)
  for (const offset of [4, 2, 3, 3]) order = receive(order, at(offset)).order
  expect(offsets(order.held)).toEqual([2, 3, 3, 4])
  const { applied, verdict, order: after } = receive(order, at(1))
  expect(offsets(applied)).toEqual([1, 2, 3, 4])
  expect(verdict).toBe('whole')
  expect(after).toMatchObject({ held: [], heldSize: 0, position: { offset: 4 } })
})

test('frames that arrive before there is a position are held, and applied from the first position [TL-SUB-9]', () => {
  const held = [at(3), at(5), at(4)].reduce((order, frame) => receive(order, frame).order, emptyOrder)
  const { applied, order } = setPosition(held, { epoch: 'e', offset: 3 })
  expect(offsets(applied)).toEqual([4, 5])
  expect(order.held).toEqual([])
})

test('held frames of another epoch are dropped, and the client resumes', () => {
  const held = [at(4), at(1, { epoch: 'f' })].reduce((order, frame) => receive(order, frame).order, emptyOrder)
  const ordered = setPosition(held, { epoch: 'e', offset: 3 })
  expect(offsets(ordered.applied)).toEqual([4])
  expect(ordered.verdict).toBe('other-epoch')
  expect(ordered.order.held).toEqual([])
})

test('holds 1,000 frames or 1 MB, then drops them and records only that they exist [TL-SUB-7]', () => {
  let order = from(0)
  for (let offset = 2; offset <= 1_001; offset += 1) order = receive(order, at(offset)).order
  expect(order.held).toHaveLength(1_000)
  const full = receive(order, at(1_002))
  expect(full.verdict).toBe('overflow')
  expect(full.order).toMatchObject({ held: [], heldSize: 0, head: { epoch: 'e', offset: 1_002 } })
  expect(isBehind(full.order)).toBe(true)
  const big = receive(receive(from(0), at(2, { size: 1_000_000 })).order, at(3, { size: 100_000 }))
  expect(big.verdict).toBe('overflow')
})

test('a head of the same epoch counts, and never decreases', () => {
  const noted = recordHead(recordHead(from(3), { epoch: 'e', offset: 9 }), { epoch: 'e', offset: 5 })
  expect(noted.head?.offset).toBe(9)
  expect(isBehind(noted)).toBe(true)
  expect(isBehind(recordHead(from(3), { epoch: 'f', offset: 9 }))).toBe(false)
})

/** A log in which only some offsets are for the subscription, split into frames with the range that each covers. */
const logs = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 40 })
  .map((matches) => {
    let last = 0
    const frames: OrderedFrame[] = []
    matches.forEach((isMatch, index) => {
      if (!isMatch) return
      frames.push(at(index + 1, { prev: last }))
      last = index + 1
    })
    return frames
  })
  .filter((frames) => frames.length > 0)

/** The answer to a fetch: every frame after the position. */
function fetchInto(order: Order, log: readonly OrderedFrame[]): { order: Order; applied: OrderedFrame[] } {
  const applied: OrderedFrame[] = []
  for (const frame of log) {
    if (frame.offset <= (order.position?.offset ?? 0)) continue
    const ordered = receive(order, frame)
    order = ordered.order
    applied.push(...ordered.applied)
  }
  return { order, applied }
}

test('each event is delivered once and in order when frames are lost, duplicated or reordered', () => {
  const schedules = logs.chain((log) =>
    fc.record({
      log: fc.constant(log),
      // Any pushes in any order, any number of times; each may be followed by a fetch.
      pushes: fc.array(fc.record({ index: fc.nat(log.length - 1), fetches: fc.boolean() }), { maxLength: 80 }),
    }),
  )
  fc.assert(
    fc.property(schedules, ({ log, pushes }) => {
      let order = from(0)
      const shown: number[] = []
      for (const { index, fetches } of pushes) {
        const ordered = receive(order, log[index] as OrderedFrame)
        order = ordered.order
        shown.push(...offsets(ordered.applied))
        if (!fetches || !isBehind(order)) continue
        const fetched = fetchInto(order, log)
        order = fetched.order
        shown.push(...offsets(fetched.applied))
      }
      const all = offsets(log)
      expect(shown).toEqual(all.slice(0, shown.length)) // a prefix: no duplicate and nothing skipped
      const newest = Math.max(0, ...pushes.map(({ index }) => (log[index] as OrderedFrame).offset))
      if ((shown.at(-1) ?? 0) < newest) expect(isBehind(order)).toBe(true) // a hole is always known
      shown.push(...offsets(fetchInto(order, log).applied))
      expect(shown).toEqual(all)
    }),
  )
})
