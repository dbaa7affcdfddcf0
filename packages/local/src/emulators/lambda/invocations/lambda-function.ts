import type { LambdaContext } from '../runtime/lambda-context.ts'
import type { WorkerPool } from '../runtime/worker-pool.ts'
import type { Invocation } from './invocation.ts'

/** The settings of a function, as `aws lambda create-function` accepts them. */
export interface FunctionOptions {
  readonly name: string
  /** Milliseconds of the line's clock after which the invocation is killed. */
  readonly timeoutMs: number
  /** The number of retries of an asynchronous invocation. @default 2 */
  readonly asyncRetries?: number
  /** The maximum age of an event in the asynchronous queue. @default 6 hours */
  readonly maximumEventAgeMs?: number
  /** Reserved concurrency: invocations above it are throttled. @default unlimited */
  readonly concurrency?: number
  /**
   * True for functions whose runs last as long as they have a consumer. `idle` waits for the calls of their ports, and
   * not for the end of the run.
   */
  readonly background?: boolean
  readonly run: InProcessRun | WorkerRun
}

/**
 * Runs in this process. It is fast and allows many lines at once, but a kill only disconnects the invocation's ports.
 */
export interface InProcessRun {
  readonly kind: 'in-process'
  /** One with response streaming gets its stream as the second argument, as `runHandler` says. */
  readonly handler: (event: unknown, context: LambdaContext) => Promise<unknown>
  /**
   * Wraps the handler's call, so that it can receive ports that disconnect with its invocation. MUST return what `call`
   * returns.
   */
  readonly around?: (invocation: Invocation, call: () => Promise<unknown>) => Promise<unknown>
}

/** Runs as deployed, in a thread that can be killed. */
export interface WorkerRun {
  readonly kind: 'worker'
  readonly pool: WorkerPool
  readonly exportName: string
}

/**
 * The result of an invocation. `payload` was serialised as JSON and parsed; `trace` is for logs and never for a client
 * [LAW-ERRORS].
 */
export type InvokeResult =
  | { readonly status: 'ok'; readonly payload: unknown }
  | {
      readonly status: 'error' | 'timeout' | 'throttled'
      readonly errorType?: string
      readonly errorMessage?: string
      readonly trace?: readonly string[]
    }

/**
 * The fault layer's effect on one attempt.
 * - `fail`: the handler does not run; the result is an error.
 * - `hang`: the handler does not run, and no result comes before the deadline.
 * - `kill`: the handler runs completely and is killed before it can respond: its effects remain, its response is lost.
 * - `duplicate`: the handler runs twice at once; the first run's response counts.
 * - `throttle`: as if the function had no concurrency left.
 * - `delayMs`: a cold start of that length by the clock, before the handler runs and before its deadline counts.
 */
export type FunctionHookResult =
  | 'pass'
  | 'fail'
  | 'hang'
  | 'kill'
  | 'duplicate'
  | 'throttle'
  | { readonly delayMs: number }

/** One attempt, as the fault layer sees it. `attempt` counts from 1. */
export interface InvokeInfo {
  readonly name: string
  readonly event: unknown
  readonly attempt: number
}

/** An event as JSON text. An invocation without an event receives an empty object, as in Lambda. */
export function toText(event: unknown): string {
  return JSON.stringify(event) ?? '{}'
}
