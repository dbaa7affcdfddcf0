import type {
  AdvanceResult,
  AnewResult,
  ClosedResult,
  Cursor,
  DataResult,
  ErrorFrame,
  FaultResult,
  StoppedResult,
} from '@trunkline/protocol'

/** A frame with an offset in a log. It accounts for all offsets in (`prev`, `offset`]. `size` is in characters. */
export interface OrderedFrame {
  readonly epoch: string
  readonly offset: number
  readonly prev: number
  readonly size: number
  readonly result: DataResult | AdvanceResult | FaultResult | AnewResult | ClosedResult | StoppedResult | Failed
}

/** The failure of a generator's run. It follows the run's last value. */
export interface Failed {
  readonly type: 'failed'
  readonly ref?: number
  readonly n: number
  readonly frame: ErrorFrame
}

/**
 * The progress of one subscription in its log. A `position` p means that all offsets ≤ p are accounted for
 * [LAW-COVERAGE].
 */
export interface Order {
  readonly position: Cursor | null
  /** The newest offset that is known to exist, from an answer or from a frame that was dropped. */
  readonly head: Cursor | null
  /** Frames that arrived early, sorted by offset. */
  readonly held: readonly OrderedFrame[]
  readonly heldSize: number
}

/** The result of a frame or an answer: the frames to deliver, in order, and whether events must be fetched. */
export interface OrderResult {
  readonly order: Order
  readonly applied: readonly OrderedFrame[]
  /**
   * - `whole`: nothing is missing
   * - `hole`: offsets are missing; fetch them if they do not arrive soon
   * - `overflow`: too much is held; fetch now
   * - `other-epoch`: the log began a new epoch; resume
   */
  readonly verdict: 'whole' | 'hole' | 'overflow' | 'other-epoch'
}

const heldFrames = 1_000
const heldCharacters = 1_048_576 // 1 MB

/** A subscription that has no position yet. */
export const emptyOrder: Order = { position: null, head: null, held: [], heldSize: 0 }

/** A result that delivers no frame. */
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
  const { order: next, applied, verdict } = drain(at(order, { epoch: frame.epoch, offset: frame.offset }))
  return { order: next, applied: applied.length === 0 ? [frame] : [frame, ...applied], verdict }
}

/** Sets the position to `from`, as a first answer or one with a gap does, and applies the held frames. */
export function setPosition(order: Order, from: Cursor): OrderResult {
  return drain(at(order, from))
}

function at({ head, held, heldSize }: Order, position: Cursor): Order {
  return { position, head, held, heldSize }
}

/** Records that the log has events up to `head`. */
export function recordHead(order: Order, head: Cursor | undefined): Order {
  if (head === undefined) return order
  const older = order.head?.epoch === head.epoch && order.head.offset >= head.offset
  return older ? order : { ...order, head }
}

/** Drops the head and the held frames. The log was rewound, so they belong to a history that no longer exists. */
export function dropBeyondPosition({ position }: Order): Order {
  return { ...emptyOrder, position }
}

/** The newest offset of the position's epoch that is known to exist; 0 without a position. */
export function newestKnown({ position, head, held }: Order): number {
  const known = [position, head, held.at(-1)].map((at) => (at?.epoch === position?.epoch ? (at?.offset ?? 0) : 0))
  return Math.max(...known)
}

/** Whether an offset up to the known head is not accounted for. */
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

/** Drops the held frames and `more`, and records only that their offsets exist. */
export function dropHeld(order: Order, ...more: readonly OrderedFrame[]): Order {
  const all = [...order.held, ...more]
  const known = all.reduce((seen, { epoch, offset }) => recordHead(seen, { epoch, offset }), order)
  return { ...known, held: [], heldSize: 0 }
}

/** Applies the held frames up to the next missing offset, and drops those that are accounted for. */
function drain(order: Order): OrderResult {
  let { position } = order
  if (position === null || order.held.length === 0) return unchanged(order)
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
