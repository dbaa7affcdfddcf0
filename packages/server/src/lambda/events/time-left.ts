import { limits } from '@trunkline/protocol'
import type { FunctionContext } from './events.ts'

const answerMs = 500 // what is kept back to answer in before the function's own timeout

/** Milliseconds that an invocation may work and still answer [LAW-DEADLINE]. Without a context, those of a frame. */
export function workingMs(context: unknown): number {
  const { getRemainingTimeInMillis } = (context ?? {}) as FunctionContext
  const left =
    getRemainingTimeInMillis === undefined ? limits.frameDeadlineMs.value : getRemainingTimeInMillis.call(context)
  return left - answerMs
}
