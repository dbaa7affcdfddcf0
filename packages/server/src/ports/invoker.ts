/** The functions that a function can start. */
export type InvokedFunction = 'deliver' | 'worker'

/**
 * The way to other functions.
 * - An invocation is asynchronous and comes at least once: what is invoked MUST be idempotent.
 * - `payload` MUST be JSON of at most 1 MB.
 * - MUST throw when the invocation was not accepted; MUST have a deadline of its own.
 */
export interface Invoker {
  readonly kind: string
  invoke(name: InvokedFunction, payload: unknown, options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * Starts `deliver` with `payload` (JSON of at most 256 KB) in `delayMs`: not sooner by more than a clock's error, and
   * somewhat later as a rule. At most 15 minutes. Absent where nothing can be delayed.
   */
  invokeDelayed?(payload: unknown, options: LaterOptions): Promise<void>
}

export interface LaterOptions {
  /** From 0 to 900,000; rounded up to a whole second. */
  readonly delayMs: number
  readonly signal?: AbortSignal
}
