import { limits } from '@trunkline/protocol'
import type { FunctionContext } from './events.ts'

const responseMs = 500 // reserved for the response, before the function's own timeout

/**
 * The milliseconds that an invocation may run and still respond [LAW-DEADLINE]. Without a context, those of a frame.
 */
export function workingMs(context: unknown): number {
  const { getRemainingTimeInMillis } = (context ?? {}) as FunctionContext
  const left =
    getRemainingTimeInMillis === undefined ? limits.frameDeadlineMs.value : getRemainingTimeInMillis.call(context)
  return left - responseMs
}
