import { type Cursor, formatCursor, parseCursor } from './cursor.ts'

/** A position in the log of a stream: after chunk `chunk` of the slot at `offset`, or after the whole slot. */
export interface ChunkCursor extends Cursor {
  /** From 1. Absent after the whole slot. */
  readonly chunk?: number
}

const pattern = /^(.*:[0-9]+)\.([1-9][0-9]{0,5})$/

/** Formats a cursor as `epoch:offset`, or `epoch:offset.chunk` inside of a slot. */
export function formatChunkCursor({ chunk, ...cursor }: ChunkCursor): string {
  return chunk === undefined ? formatCursor(cursor) : `${formatCursor(cursor)}.${chunk}`
}

/** Parses the id of a chunk [TL-STREAM-2]. Returns undefined for anything else. Never throws. */
export function parseChunkCursor(text: unknown): ChunkCursor | undefined {
  const [, before, chunk] = (typeof text === 'string' && pattern.exec(text)) || []
  const cursor = parseCursor(before ?? text)
  return cursor === undefined || chunk === undefined ? cursor : { ...cursor, chunk: Number(chunk) }
}
