/** The functions that a function can start. */
export type InvokedFunction = 'deliver' | 'worker'

/**
 * The port that starts functions.
 *
 * - An invocation is asynchronous and runs at least once: the function MUST be idempotent.
 * - `payload` MUST be JSON of at most 1 MB.
 * - A call MUST reject if the invocation was not accepted.
 * - [LAW-DEADLINE] Every request MUST have a deadline of its own.
 */
export interface Invoker {
  /** Names the implementation in logs. */
  readonly kind: string
  /** Starts a function. Resolves when the invocation was accepted. */
  invoke(name: InvokedFunction, payload: unknown, options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * Starts `deliver` with `payload` (JSON of at most 256 KB) after a delay. It may start later than that, and earlier
   * only by the error of a clock. Absent if the backend cannot delay an invocation.
   */
  invokeDelayed?(payload: unknown, options: DelayOptions): Promise<void>
}

/** When a delayed invocation starts. */
export interface DelayOptions {
  /** From 0 to 900,000 (15 minutes), rounded up to a whole second. */
  readonly delayMs: number
  /** Aborted when the caller no longer waits for the answer of the queue. */
  readonly signal?: AbortSignal
}
