import type { LambdaContext } from '../runtime/lambda-context.ts'
import type { WorkerPool } from '../runtime/worker-pool.ts'
import type { Invocation } from './invocation.ts'

/** What `aws lambda create-function` would be told. */
export interface FunctionOptions {
  readonly name: string
  /** By the line's clock; the invocation is killed then. */
  readonly timeoutMs: number
  /** How often the asynchronous queue tries again. @default 2 */
  readonly asyncRetries?: number
  /** How long an event may stay in the asynchronous queue. @default 6 hours */
  readonly maximumEventAgeMs?: number
  /** Reserved concurrency: one invocation more is throttled. @default without bound */
  readonly concurrency?: number
  /** Its runs last as long as somebody listens to them: `idle` waits for what one asks of its ports, and not for its end. */
  readonly background?: boolean
  readonly run: InProcessRun | WorkerRun
}

/** Runs in this process: quick, and many lines at once, but a kill only cuts the invocation's ports off. */
export interface InProcessRun {
  readonly kind: 'in-process'
  readonly handler: (event: unknown, context: LambdaContext) => Promise<unknown>
  /** Wraps the handler's call, so that it can be given ports that end with its invocation. MUST return what `call` returns. */
  readonly around?: (invocation: Invocation, call: () => Promise<unknown>) => Promise<unknown>
}

/** Runs as deployed, in a thread that can be killed. */
export interface WorkerRun {
  readonly kind: 'worker'
  readonly pool: WorkerPool
  readonly exportName: string
}

/** What an invocation came to. `payload` has been through JSON; `trace` is for logs and never for a client [LAW-ERRORS]. */
export type InvokeResult =
  | { readonly status: 'ok'; readonly payload: unknown }
  | {
      readonly status: 'error' | 'timeout' | 'throttled'
      readonly errorType?: string
      readonly errorMessage?: string
      readonly trace?: readonly string[]
    }

/**
 * What the fault layer wants of one attempt.
 * - `fail`: the handler does not run; the answer is an error.
 * - `hang`: the handler does not run and nothing comes until the deadline.
 * - `kill`: the handler runs whole and is killed before it can answer: its effects stand, its answer is lost.
 * - `duplicate`: the handler runs twice at once; the first one's answer counts.
 * - `throttle`: as if the function had no concurrency left.
 * - `delayMs`: a cold start of that length, by the clock, before the handler runs and before its deadline counts.
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
