import { defined } from '@trunkline/protocol'
import type { WorkerLog } from '../runtime/worker-thread.ts'
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

/** What a finished run got, answered and wrote. */
export interface RunDetails {
  /** The event as JSON text. */
  readonly text: string
  readonly result: InvokeResult
  readonly output: RunOutput
}

/** The first 16 K characters of what a function wrote during one run. A function in this process has none. */
export interface RunOutput {
  readonly texts: readonly WorkerLog[]
  /** It wrote more. */
  readonly isCut: boolean
}

const charactersKept = 16_384

/** Collects the output of one run. */
export class RunOutputBuffer implements RunOutput {
  readonly texts: WorkerLog[] = []
  #characters = 0
  isCut = false

  add({ stream, text }: WorkerLog): void {
    const kept = text.slice(0, charactersKept - this.#characters)
    this.#characters += kept.length
    if (kept.length < text.length) this.isCut = true
    const last = this.texts.at(-1)
    if (last?.stream === stream) this.texts[this.texts.length - 1] = { stream, text: last.text + kept }
    else if (kept !== '') this.texts.push({ stream, text: kept })
  }
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
