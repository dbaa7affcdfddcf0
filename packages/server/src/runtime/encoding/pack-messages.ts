import { createHash } from 'node:crypto'
import { type FrameId, limits, toChunks } from '@trunkline/protocol'

/**
 * Packs frames into messages: one message for a client with extensions, or its chunks if it is larger than the gateway
 * accepts; one message per frame for a stock client, which knows neither arrays nor chunks.
 */
// [TL-HS-5] [TL-STOCK-1] [TL-CHUNK-1]
export function toMessages(frames: readonly string[], extensions: boolean): readonly string[] {
  const first = frames[0]
  if (first === undefined) return []
  if (!extensions) return frames
  const text = frames.length === 1 ? first : `[${frames.join(',')}]`
  if (Buffer.byteLength(text) <= limits.messageBytes.value) return [text]
  return toChunks({ id: idOf(first), message: nameOf(text), text }, limits.messageBytes.value)
}

/** Every frame that the server sends begins with its id. [TL-CHUNK-3] */
function idOf(frame: string): FrameId {
  const [, id = 'null'] = /^\{"id":("(?:[^"\\]|\\.)*"|[-+.\w]+)/.exec(frame) ?? []
  return (JSON.parse(id) as FrameId | null) ?? '' // a chunk has an id even if its first frame has none
}

/**
 * A digest of the content, so that a retried delivery sends the same chunks, which complete those that the client
 * already has.
 */
function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}
