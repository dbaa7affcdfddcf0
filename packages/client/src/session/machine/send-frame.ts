import { sizeText, toChunks, utf8Bytes } from '@trunkline/protocol'
import type { FrameName } from './state.ts'
import type { Turn } from './transition.ts'

/** Sends a frame of the application's: in one message where the socket carries it, else in chunks. [TL-LIM-1] [TL-CHUNK-9] */
export function sendFrame(turn: Turn, id: number, text: string, name: FrameName = id): void {
  const { frameBytes } = turn.state
  if (utf8Bytes(text) <= frameBytes) turn.send(text, [name])
  else for (const chunk of toChunks({ id, message: turn.nextId('chunk'), text }, frameBytes)) turn.send(chunk, [name])
}

/** What to say of a frame that is too large to be sent, or undefined when it is not. */
export function sizeRefusal(bytes: number, most: number): string | undefined {
  return bytes <= most ? undefined : sizeText(bytes, most) // [TL-CHUNK-4]
}
