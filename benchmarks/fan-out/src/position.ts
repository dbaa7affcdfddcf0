/** The counted members of a subscription's answer or push. */
export interface Frame {
  readonly id?: unknown
  readonly result?: {
    readonly type: string
    readonly id?: string
    readonly from?: string
    readonly prev?: number
  }
}

/** The position of one subscription in its log, by the rule of Trunkline's clients (`[TL-SUB-6]`). */
export interface Position {
  /** The offsets that the application would get, in order. */
  readonly seen: number[]
  /** Duplicate events, which a client would drop. */
  doubled: number
  /** The first position. */
  from: number | undefined
  /** Undefined before the first answer; a seeded subscription starts at its topic's head. */
  at: number | undefined
  early: number[]
}

/** The errors in the delivery of a log, at one subscription or in total. */
export interface DeliveryErrors {
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
}

export function newPosition(at: number | undefined): Position {
  return { seen: [], doubled: 0, from: at, at, early: [] }
}

/** Checks that the application got each event from the first position to `head` once and in order. */
export function countErrors({ from, seen }: Position, head: number): DeliveryErrors {
  const distinct = new Set(seen)
  const expected = Array.from({ length: Math.max(0, head - (from ?? 0)) }, (_, n) => (from ?? 0) + 1 + n)
  return {
    lost: expected.filter((offset) => !distinct.has(offset)).length,
    doubled: seen.length - distinct.size,
    reordered: seen.filter((offset, index) => offset < (seen[index - 1] ?? 0)).length,
  }
}

/** Applies a frame. Early events are held until the events before them arrive. */
export function apply(position: Position, { result }: Frame): void {
  if (result?.type === 'started') position.from = position.at = offsetOf(result.from)
  else if (result?.type === 'data') place(position, offsetOf(result.id))
  for (let moved = true; moved; ) {
    const before = position.early.length
    for (const offset of position.early.splice(0)) place(position, offset)
    moved = position.early.length < before
  }
}

function place(position: Position, offset: number): void {
  const { at } = position
  if (at === undefined || offset > at + 1) position.early.push(offset)
  else if (offset <= at) position.doubled += 1
  else {
    position.at = offset
    position.seen.push(offset)
  }
}

function offsetOf(cursor: string | undefined): number {
  return Number(cursor?.split(':')[1])
}
