import { depthFlaw, depthsOf, ownKeyFlaw, pathFlaw } from '@trunkline/protocol'
import { sizeProblem } from './send-frame.ts'
import { type TrunklineError, toTrunklineError } from './trunkline-error.ts'

/** The frame of a call or a subscription. */
interface Frame {
  readonly text: string
  /** Of the largest form in which it may be sent. */
  readonly bytes: number
  readonly path: string
  /** The caller's own key. */
  readonly key?: string | false | undefined
}

/** Why the server would refuse a frame, in its words; undefined for one that may be sent. `most`: bytes of a message. */
// [TL-LIM-8]
export function frameError({ text, bytes, path, key }: Frame, most: number): TrunklineError | undefined {
  const flaw = depthFlaw(Math.max(...depthsOf(text))) ?? pathFlaw(path)
  const malformed = flaw ?? (typeof key === 'string' ? ownKeyFlaw(key) : undefined)
  if (malformed !== undefined) return toTrunklineError('MALFORMED', malformed)
  const tooLarge = sizeProblem(bytes, most)
  return tooLarge === undefined ? undefined : toTrunklineError('TOO_LARGE', tooLarge)
}

/** The same for an input that overflows the stack when it is serialised; undefined for another error. */
export function overflowError(thrown: unknown): TrunklineError | undefined {
  return /call stack|recursion/.test(String(thrown))
    ? toTrunklineError('MALFORMED', depthFlaw('too many to serialise'))
    : undefined
}
