import type { AdvanceResult, Cursor, DataResult, ErrorFrame, FaultResult, StoppedResult } from '@trunkline/protocol'

/** A frame that stands in a log: all in (`prev`, `offset`] is accounted for by it. `size` is in characters. */
export interface OrderedFrame {
  readonly epoch: string
  readonly offset: number
  readonly prev: number
  readonly size: number
  readonly result: DataResult | AdvanceResult | FaultResult | StoppedResult | Failed
}

/** A generator's run that failed, which is the end behind its last value. */
export interface Failed {
  readonly type: 'failed'
  readonly frame: ErrorFrame
}

/** Where one subscription stands in its log. `position` p means that all ≤ p is accounted for [LAW-COVERAGE]. */
export interface Order {
  readonly position: Cursor | null
  /** The newest offset that is known to exist, by an answer or by a frame that had to be dropped. */
  readonly head: Cursor | null
  /** Frames that came early, by offset. */
  readonly held: readonly OrderedFrame[]
  readonly heldSize: number
}

/** What became of a frame or an answer: the frames to show, in order, and whether something must be asked for. */
export interface OrderResult {
  readonly order: Order
  readonly applied: readonly OrderedFrame[]
  /** `hole`: fetch when it does not close by itself. `overflow`: fetch now. `other-epoch`: resume. */
  readonly verdict: 'whole' | 'hole' | 'overflow' | 'other-epoch'
}

const heldFrames = 1_000
const heldCharacters = 1_048_576 // 1 MB

/** A subscription that has no position yet. */
export const emptyOrder: Order = { position: null, head: null, held: [], heldSize: 0 }

/** The outcome of what shows nothing. */
export function unchanged(order: Order, verdict: OrderResult['verdict'] = 'whole'): OrderResult {
  return { order, applied: [], verdict }
}

/** Applies one frame by its offset, not by its arrival [LAW-RECEIVER-ORDERS], and by what it covers [LAW-COVERAGE]. */
export function receive(order: Order, frame: OrderedFrame): OrderResult {
  const { position } = order
  if (position === null) return hold(order, frame) // [TL-SUB-9]
  if (frame.epoch !== position.epoch) return unchanged(order, 'other-epoch') // [TL-SUB-8]
  if (frame.offset <= position.offset) return unchanged(order) // [TL-SUB-6]
  if (frame.prev > position.offset) return hold(order, frame)
  const moved = { ...order, position: { epoch: frame.epoch, offset: frame.offset } }
  const drained = drain(moved)
  return { ...drained, applied: [frame, ...drained.applied] }
}

/** Puts the position at `from`, as a fresh answer or one with a gap does, and applies what was held. */
export function setPosition(order: Order, from: Cursor): OrderResult {
  return drain({ ...order, position: from })
}

/** Remembers that the log reaches to `head`. */
export function recordHead(order: Order, head: Cursor | undefined): Order {
  if (head === undefined) return order
  const older = order.head?.epoch === head.epoch && order.head.offset >= head.offset
  return older ? order : { ...order, head }
}

/** Drops what is known beyond the position: the log was rewound, and it is of the history that is gone. */
export function dropBeyondPosition({ position }: Order): Order {
  return { ...emptyOrder, position }
}

/** The newest offset of the position's epoch that is known to exist; 0 without a position. */
export function newestKnown({ position, head, held }: Order): number {
  const known = [position, head, held.at(-1)].map((at) => (at?.epoch === position?.epoch ? (at?.offset ?? 0) : 0))
  return Math.max(...known)
}

/** Whether something up to the known head is not accounted for. */
export function isBehind({ position, head, held }: Order): boolean {
  if (position === null) return false
  if (held.length > 0) return true
  return head !== null && head.epoch === position.epoch && position.offset < head.offset
}

function hold(order: Order, frame: OrderedFrame): OrderResult {
  const { held, heldSize } = order
  const full = held.length >= heldFrames || heldSize + frame.size > heldCharacters
  if (full) return unchanged(dropHeld(order, frame), 'overflow') // [TL-SUB-7]
  const at = held.findLastIndex((other) => other.offset < frame.offset) + 1
  const next = { ...order, held: [...held.slice(0, at), frame, ...held.slice(at)], heldSize: heldSize + frame.size }
  return unchanged(next, 'hole')
}

/** Drops what is held, and `more` of it, and keeps only the knowledge that it exists. */
export function dropHeld(order: Order, ...more: readonly OrderedFrame[]): Order {
  const all = [...order.held, ...more]
  const known = all.reduce((seen, { epoch, offset }) => recordHead(seen, { epoch, offset }), order)
  return { ...known, held: [], heldSize: 0 }
}

/** Applies what is held as far as it reaches, and drops what is accounted for. */
function drain(order: Order): OrderResult {
  let { position } = order
  if (position === null) return unchanged(order)
  const { epoch } = position
  const applied: OrderedFrame[] = []
  const held: OrderedFrame[] = []
  for (const frame of order.held) {
    if (frame.epoch !== epoch || frame.prev > position.offset) held.push(frame)
    else if (frame.offset > position.offset) {
      position = { epoch, offset: frame.offset }
      applied.push(frame)
    }
  }
  const foreign = held.some((frame) => frame.epoch !== epoch)
  const kept = held.filter((frame) => frame.epoch === epoch && frame.offset > (position?.offset ?? 0))
  const heldSize = kept.reduce((size, frame) => size + frame.size, 0)
  const verdict = foreign ? 'other-epoch' : kept.length > 0 ? 'hole' : 'whole'
  return { order: { ...order, position, held: kept, heldSize }, applied, verdict }
}
