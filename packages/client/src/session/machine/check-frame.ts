import { depthFlaw, depthsOf, ownKeyFlaw, pathFlaw } from '@trunkline/protocol'
import { sizeProblem } from './send-frame.ts'
import { type TrunklineError, toTrunklineError } from './trunkline-error.ts'

/** The frame of a call or a subscription. */
interface Frame {
  readonly text: string
  /** UTF-8 bytes of the largest form in which the frame may be sent. */
  readonly bytes: number
  readonly path: string
  /** The caller's own idempotency key. */
  readonly key?: string | false | undefined
}

/**
 * The error with which the server would refuse the frame, or undefined when it may be sent. `maxBytes` is the largest
 * message. [TL-LIM-8]
 */
export function frameError({ text, bytes, path, key }: Frame, maxBytes: number): TrunklineError | undefined {
  const flaw = depthFlaw(Math.max(...depthsOf(text))) ?? pathFlaw(path)
  const malformed = flaw ?? (typeof key === 'string' ? ownKeyFlaw(key) : undefined)
  if (malformed !== undefined) return toTrunklineError('MALFORMED', malformed)
  const tooLarge = sizeProblem(bytes, maxBytes)
  return tooLarge === undefined ? undefined : toTrunklineError('TOO_LARGE', tooLarge)
}

/**
 * The error for an input that overflowed the stack while it was serialised; undefined when `thrown` is another error.
 */
export function overflowError(thrown: unknown): TrunklineError | undefined {
  return /call stack|recursion/.test(String(thrown))
    ? toTrunklineError('MALFORMED', depthFlaw('too many to serialise'))
    : undefined
}
