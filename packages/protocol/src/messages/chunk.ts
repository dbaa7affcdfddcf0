import type { ChunkFrame, FrameId } from '../frames/frames.ts'
import { utf8Bytes } from '../limits/bounds.ts'

/** A message to send in chunks. */
export interface ChunkedMessage {
  /** The id of the message's first frame. An error of the message is reported under it. */
  readonly id: FrameId
  /** The sender's name for the message. It is unique among the unfinished messages of the connection. */
  readonly message: string
  readonly text: string
}

/** Splits a message into chunk frames, as JSON texts of at most `maxBytes` UTF-8 bytes each. [TL-CHUNK-1] */
export function toChunks({ id, message, text }: ChunkedMessage, maxBytes: number): readonly string[] {
  const bytes = utf8Bytes(text)
  const toFrame = (part: number, of: number, piece: string) =>
    JSON.stringify({ id, method: 'chunk', params: { message, part, of, bytes, text: piece } } satisfies ChunkFrame)
  const room = maxBytes - utf8Bytes(toFrame(bytes, bytes, '')) // `part` and `of` have at most as many digits as `bytes`
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const piece = pieceAt(text, at, room)
    pieces.push(piece)
    at += piece.length
  }
  return pieces.map((piece, part) => toFrame(part, pieces.length, piece))
}

/**
 * The longest found piece of the text from `at` that has at most `room` bytes inside a JSON string. Its length depends
 * on escapes and UTF-8, so it is found by trying. A surrogate pair is never split.
 */
function pieceAt(text: string, at: number, room: number): string {
  for (let units = room; ; ) {
    const end = at + units
    const piece = text.slice(at, end).replace(end < text.length ? /[\ud800-\udbff]$/ : '', '')
    const size = utf8Bytes(JSON.stringify(piece)) - 2
    if (size <= room) return piece
    units = Math.floor((units * room) / size)
  }
}
