import { createLocalClock, type LocalClock } from '../clock.ts'
import type { QueueHookResult } from './event-sources/queue-mapping.ts'
import type { FunctionRun, RunDetails } from './invocations/function-run.ts'
import { type Activity, createActivity } from './invocations/in-flight.ts'
import type { RunningInvocation } from './invocations/invocation.ts'
import type { FunctionHookResult, FunctionOptions, InvokeInfo, InvokeResult } from './invocations/lambda-function.ts'
import { type AttemptOptions, runAttempt, throttled } from './invocations/run-attempt.ts'
import { functionArn } from './runtime/lambda-context.ts'

/** Called before each attempt. @default pass */
export interface FunctionHooks {
  invoke?: (info: InvokeInfo) => FunctionHookResult
  /** Called for each finished run. */
  ran?: (run: FunctionRun, details: RunDetails) => void
  /** Called for each message sent to a queue. @default pass */
  queued?: (message: { readonly body: string }) => QueueHookResult
}

/** A function error, for the developer's terminal. */
export interface FunctionErrorReport {
  readonly name: string
  readonly requestId: string
  readonly result: InvokeResult
  /** True when a fault rule caused the error. */
  readonly injected: boolean
}

export interface FunctionHostOptions {
  readonly clock: LocalClock
  /** Makes request ids reproducible. @default the clock's random numbers */
  readonly seed?: number
  /** Called for each function error. */
  readonly onError?: (report: FunctionErrorReport) => void
}

/** One attempt of an event. `attempt` counts from 1. */
export type AttemptRun = Pick<AttemptOptions, 'requestId' | 'attempt' | 'latestStart' | 'reader' | 'isLive'>

/** Thrown for an unregistered function. It corresponds to Lambda's ResourceNotFoundException. */
export class UnknownFunctionError extends Error {
  override readonly name = 'UnknownFunctionError'
  constructor(functionName: string) {
    super(`Function not found: ${functionArn(functionName)}`)
  }
}

/** The functions of one line, with their running invocations. */
export class FunctionHost {
  readonly clock: LocalClock
  readonly activity: Activity = createActivity()
  readonly hooks: FunctionHooks = {}
  readonly #random: () => number
  readonly #onError: FunctionHostOptions['onError']
  readonly #functions = new Map<string, FunctionOptions>()
  readonly #running = new Set<RunningInvocation>()

  constructor({ clock, seed, onError }: FunctionHostOptions) {
    this.clock = clock
    this.#random = seed === undefined ? clock.random : createLocalClock({ seed }).random
    this.#onError = onError
  }

  /** Registers a function. It replaces a function of the same name. */
  register(fn: FunctionOptions): void {
    this.#functions.set(fn.name, fn)
  }

  has(name: string): boolean {
    return this.#functions.has(name)
  }

  /** Throws an `UnknownFunctionError` for an unregistered name. */
  find(name: string): FunctionOptions {
    const fn = this.#functions.get(name)
    if (fn === undefined) throw new UnknownFunctionError(name)
    return fn
  }

  /** A version 4 UUID. A seed makes it reproducible. */
  newRequestId(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.#random() * 16))
    digits[12] = 4
    digits[16] = 8 + ((digits[16] ?? 0) % 4)
    const hex = digits.map((digit) => digit.toString(16)).join('')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  /** Runs one attempt of an event (JSON text), subject to the `invoke` hook. Every outcome is a result. */
  async attempt(fn: FunctionOptions, text: string, run: AttemptRun): Promise<InvokeResult> {
    const effect = this.hooks.invoke?.({ name: fn.name, event: JSON.parse(text), attempt: run.attempt }) ?? 'pass'
    if (effect === 'throttle' || this.#count(fn.name) >= (fn.concurrency ?? Number.POSITIVE_INFINITY)) return throttled
    const result = await this.#runWith(effect, { fn, text, ...run })
    if (result.status !== 'ok') {
      const injected = effect !== 'pass' && effect !== 'duplicate' && typeof effect !== 'object'
      this.#onError?.({ name: fn.name, requestId: run.requestId, result, injected })
    }
    return result
  }

  /** Kills the running invocations of a function. @default of all functions */
  kill(name?: string): void {
    for (const invocation of [...this.#running])
      if (name === undefined || invocation.functionName === name) invocation.kill()
  }

  async #runWith(
    effect: Exclude<FunctionHookResult, 'throttle'>,
    event: Pick<AttemptOptions, 'fn' | 'text'> & AttemptRun,
  ): Promise<InvokeResult> {
    const { clock, activity } = this
    const once = (applied: AttemptOptions['effect'], run = event) =>
      runAttempt({
        ...run,
        effect: applied,
        clock,
        activity,
        running: this.#running,
        onEnd: (run, details) => this.hooks.ran?.(run, details),
      })
    if (effect !== 'duplicate') return once(effect)
    const { reader: _, ...unread } = event
    const [first] = await Promise.all([once('pass'), once('pass', unread)])
    return first
  }

  #count(name: string): number {
    return [...this.#running].filter(({ functionName }) => functionName === name).length
  }
}
