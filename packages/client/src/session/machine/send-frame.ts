import { sizeText, toChunks, utf8Bytes } from '@trunkline/protocol'
import type { FrameName } from './state.ts'
import type { Transition } from './transition.ts'

/** Sends a frame of the application's: in one message where the socket carries it, else in chunks. [TL-LIM-1] [TL-CHUNK-9] */
export function sendFrame(transition: Transition, id: number, text: string, name: FrameName = id): void {
  const { frameBytes } = transition.state
  if (utf8Bytes(text) <= frameBytes) transition.send(text, [name])
  else
    for (const chunk of toChunks({ id, message: transition.nextId('chunk'), text }, frameBytes))
      transition.send(chunk, [name])
}

/** What to say of a frame that is too large to be sent, or undefined when it is not. */
export function sizeProblem(bytes: number, most: number): string | undefined {
  return bytes <= most ? undefined : sizeText(bytes, most) // [TL-CHUNK-4]
}
