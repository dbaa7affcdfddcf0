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
  /** Events that the application would see. */
  seen: number
  /** Events that came again and would be dropped. */
  doubled: number
  /** Undefined until an answer says it; a seeded subscription begins at its topic's head. */
  at: number | undefined
  early: number[]
}

/** Takes a frame. Early ones are held until the ones before them come. */
export function take(position: Position, { result }: Frame): void {
  if (result?.type === 'started') position.at = offsetOf(result.from)
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
    position.seen += 1
  }
}

function offsetOf(cursor: string | undefined): number {
  return Number(cursor?.split(':')[1])
}
