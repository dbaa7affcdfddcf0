import { toChunks, utf8Bytes } from '@trunkline/protocol'
import type { FrameName } from './session-state.ts'
import type { Turn } from './turn.ts'

/** Sends a frame of the application's: in one message where the socket carries it, else in chunks. [TL-LIM-1] [TL-CHUNK-9] */
export function sendFrame(turn: Turn, id: number, text: string, name: FrameName = id): void {
  const { frameBytes } = turn.state
  if (utf8Bytes(text) <= frameBytes) turn.send(text, [name])
  else for (const chunk of toChunks({ id, message: turn.nextId('chunk'), text }, frameBytes)) turn.send(chunk, [name])
}
