import { defined } from '@trunkline/protocol'
import type { RunningInvocation } from './invocation.ts'
import type { InvokeResult } from './lambda-function.ts'

/** One finished run of a function. Times are in milliseconds of the line's clock. */
export interface FunctionRun {
  readonly name: string
  readonly requestId: string
  /** Counts from 1. */
  readonly attempt: number
  readonly endedAt: number
  /** From the start of the handler; 0 when it was ended before. */
  readonly durationMs: number
  /** The load time of a cold start, by the machine's time. */
  readonly initMs?: number
  /** `timeout`: ended at its deadline. `killed`: ended before its deadline. */
  readonly outcome: 'ok' | 'error' | 'timeout' | 'killed'
}

/** Describes the run of an invocation that ended with `result`. */
export function toFunctionRun(invocation: RunningInvocation, result: InvokeResult, endedAt: number): FunctionRun {
  const { functionName: name, requestId, attempt, begunAt = endedAt, initMs } = invocation
  return {
    name,
    requestId,
    attempt,
    endedAt,
    durationMs: endedAt - begunAt,
    ...defined({ initMs }),
    outcome: toOutcome(result, endedAt < invocation.deadline),
  }
}

function toOutcome({ status }: InvokeResult, isEarly: boolean): FunctionRun['outcome'] {
  if (status === 'ok') return 'ok'
  return status === 'timeout' ? (isEarly ? 'killed' : 'timeout') : 'error'
}
