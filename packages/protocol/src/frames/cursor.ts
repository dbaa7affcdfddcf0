/** A position in the log of a topic. Offsets of different epochs cannot be compared. */
export interface Cursor {
  /** 1 to 64 characters of `0-9 a-z . -`. */
  readonly epoch: string
  /** 0 (before the first event) to 2^53 − 1. */
  readonly offset: number
}

const pattern = /^([0-9a-z.-]{1,64}):(0|[1-9][0-9]{0,15})$/

/** Formats a cursor as `epoch:offset`, the `id` of an event in a log. */
export function formatCursor({ epoch, offset }: Cursor): string {
  return `${epoch}:${offset}`
}

/** Parses a cursor. Returns undefined for anything else [TL-CUR-1]. Never throws. */
export function parseCursor(text: unknown): Cursor | undefined {
  if (typeof text !== 'string') return undefined
  const match = pattern.exec(text)
  if (match === null) return undefined
  const offset = Number(match[2])
  return Number.isSafeInteger(offset) ? { epoch: match[1] as string, offset } : undefined
}
