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
}
