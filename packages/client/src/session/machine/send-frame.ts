import { sizeText, toChunks, utf8Bytes } from '@trunkline/protocol'
import type { FrameName } from './events.ts'
import type { Transition } from './transition.ts'

/**
 * Sends the frame of a call or subscription in one message, or in chunks when it is too large. [TL-LIM-1] [TL-CHUNK-9]
 */
export function sendFrame(
  transition: Transition,
  text: string,
  { id, name = id }: { readonly id: number; readonly name?: FrameName | undefined },
): void {
  const { frameBytes } = transition.state
  if (utf8Bytes(text) <= frameBytes) transition.send(text, [name])
  else
    for (const chunk of toChunks({ id, message: transition.nextId('chunk'), text }, frameBytes))
      transition.send(chunk, [name])
}

/** The error message for a frame that is larger than `maxBytes`; undefined when it fits. */
export function sizeProblem(bytes: number, maxBytes: number): string | undefined {
  return bytes <= maxBytes ? undefined : sizeText(bytes, maxBytes) // [TL-CHUNK-4]
}
