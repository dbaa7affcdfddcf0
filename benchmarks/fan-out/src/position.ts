/** A frame of a subscription's answer or a push, as far as it is counted. */
export interface Frame {
  readonly id?: unknown
  readonly result?: {
    readonly type: string
    readonly id?: string
    readonly from?: string
    readonly prev?: number
  }
}

/** One subscription's place in its log, by the rule of every client of the line (`[TL-SUB-6]`). */
export interface Position {
  /** The offsets that the application would see, in the order in which it would. */
  readonly seen: number[]
  /** Events that came again and would be dropped. */
  doubled: number
  /** Where it began. */
  from: number | undefined
  /** Undefined until an answer says it; a seeded subscription begins at its topic's head. */
  at: number | undefined
  early: number[]
}

/** What a log's events came to at one subscription, and at all of them. */
export interface Verdict {
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
}

export function newPosition(at: number | undefined): Position {
  return { seen: [], doubled: 0, from: at, at, early: [] }
}

/** Whether the application saw each event from where it began to `head` once and in order, by what it saw alone. */
export function judge({ from, seen }: Position, head: number): Verdict {
  const distinct = new Set(seen)
  const wanted = Array.from({ length: Math.max(0, head - (from ?? 0)) }, (_, n) => (from ?? 0) + 1 + n)
  return {
    lost: wanted.filter((offset) => !distinct.has(offset)).length,
    doubled: seen.length - distinct.size,
    reordered: seen.filter((offset, index) => offset < (seen[index - 1] ?? 0)).length,
  }
}

/** Takes a frame. Early ones are held until the ones before them come. */
export function take(position: Position, { result }: Frame): void {
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
