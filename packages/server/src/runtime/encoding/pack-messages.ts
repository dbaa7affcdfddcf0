import { createHash } from 'node:crypto'
import { type FrameId, limits, toChunks } from '@trunkline/protocol'

/** The messages that carry `frames`: for a client that declared extensions one, or its chunks where the gateway would not carry it; one each for a stock client, which knows neither arrays nor chunks from a server. */
// [TL-HS-5] [TL-STOCK-1] [TL-CHUNK-1]
export function toMessages(frames: readonly string[], extensions: boolean): readonly string[] {
  const first = frames[0]
  if (first === undefined) return []
  if (!extensions) return frames
  const text = frames.length === 1 ? first : `[${frames.join(',')}]`
  if (Buffer.byteLength(text) <= limits.messageBytes.value) return [text]
  return toChunks({ id: idOf(first), message: nameOf(text), text }, limits.messageBytes.value)
}

/** Of every frame of ours the id stands first. [TL-CHUNK-3] */
function idOf(frame: string): FrameId {
  const [, id = 'null'] = /^\{"id":("(?:[^"\\]|\\.)*"|[-+.\w]+)/.exec(frame) ?? []
  return (JSON.parse(id) as FrameId | null) ?? '' // a chunk has an id, also where its first frame has none
}

/** By what it says: a delivery that is tried again sends the same parts, which complete what the client has of the first try. */
function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}
