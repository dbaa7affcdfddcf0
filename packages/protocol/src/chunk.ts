import type { ChunkFrame, FrameId } from './frames.ts'

/** What is to travel in chunks. */
export interface ChunkedMessage {
  /** Of the message's first frame: what fails when its message cannot be put together. */
  readonly id: FrameId
  /** The sender's name for the message, its own among those under way on the connection. */
  readonly message: string
  readonly text: string
}

/** The chunk frames, as texts, that carry a message; each has at most `maxBytes` in UTF-8. */
// [TL-CHUNK-1]
export function toChunks({ id, message, text }: ChunkedMessage, maxBytes: number): readonly string[] {
  const bytes = utf8Bytes(text)
  const toFrame = (part: number, of: number, piece: string) =>
    JSON.stringify({ id, method: 'chunk', params: { message, part, of, bytes, text: piece } } satisfies ChunkFrame)
  const room = maxBytes - utf8Bytes(toFrame(bytes, bytes, '')) // no place or count has more digits than the bytes
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const piece = pieceAt(text, at, room)
    pieces.push(piece)
    at += piece.length
  }
  return pieces.map((piece, part) => toFrame(part, pieces.length, piece))
}

/** As much of the text from `at` as has `room` bytes inside a JSON string; escapes and UTF-8 are found out by trying. A pair of units is never parted. */
function pieceAt(text: string, at: number, room: number): string {
  for (let units = room; ; ) {
    const end = at + units
    const piece = text.slice(at, end).replace(end < text.length ? /[\ud800-\udbff]$/ : '', '')
    const size = utf8Bytes(JSON.stringify(piece)) - 2
    if (size <= room) return piece
    units = Math.floor((units * room) / size)
  }
}

/** The size of a text on the wire. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}
