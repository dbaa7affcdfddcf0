import type { RunningInvocation } from './invocation.ts'
import type { InvokeResult } from './lambda-function.ts'

/** One run of a function that is over. Times in milliseconds of the line's clock. */
export interface FunctionRun {
  readonly name: string
  readonly requestId: string
  /** Counts from 1. */
  readonly attempt: number
  readonly endedAt: number
  /** From the event's arrival in the function; 0 when it was ended before. */
  readonly durationMs: number
  /** A cold start: how long the function took to load, by the machine's time. */
  readonly initMs?: number
  /** `timeout`: it was ended at its deadline. `killed`: before. */
  readonly outcome: 'ok' | 'error' | 'timeout' | 'killed'
}

/** What is to be told of an invocation that came to `result`. */
export function toFunctionRun(invocation: RunningInvocation, result: InvokeResult, endedAt: number): FunctionRun {
  const { functionName: name, requestId, attempt, begunAt = endedAt, initMs } = invocation
  return {
    name,
    requestId,
    attempt,
    endedAt,
    durationMs: endedAt - begunAt,
    ...(initMs !== undefined && { initMs }),
    outcome: toOutcome(result, endedAt < invocation.deadline),
  }
}

function toOutcome({ status }: InvokeResult, isEarly: boolean): FunctionRun['outcome'] {
  if (status === 'ok') return 'ok'
  return status === 'timeout' ? (isEarly ? 'killed' : 'timeout') : 'error'
}
