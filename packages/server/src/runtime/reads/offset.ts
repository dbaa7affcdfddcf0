import type { Cursor } from '@trunkline/protocol'

/** Where a read begins. `start`: at the oldest event that may be read. `now`: at the end of the log. */
export type ReadFrom = Cursor | 'start' | 'now'

const offsetDigits = 16 // the largest offset, 2^53 − 1, has as many
const pattern = /^([0-9]{16})_([0-9a-z.-]{1,64})$/

/**
 * Formats a position for readers over HTTP, such as `0000000000000041_0.k3v9`. Those of one epoch sort as their events.
 */
// [TL-READ-2]
export function formatOffset({ epoch, offset }: Cursor): string {
  return `${String(offset).padStart(offsetDigits, '0')}_${epoch}`
}

/** Parses what a reader gives as `offset`: a position, `-1` or `now`. Undefined for any other text. Never throws. */
export function parseOffset(text: string): ReadFrom | undefined {
  if (text === '-1') return 'start'
  if (text === 'now') return text
  const match = pattern.exec(text)
  const offset = Number(match?.[1])
  return Number.isSafeInteger(offset) ? { epoch: match?.[2] as string, offset } : undefined
}
