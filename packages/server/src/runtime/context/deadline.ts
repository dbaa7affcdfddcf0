import { setMaxListeners } from 'node:events'
import type { Clock } from '../../ports/clock.ts'

/** A deadline as a time and as a signal. Dispose it when the work is done. */
export interface Deadline extends Disposable {
  /** Epoch milliseconds. */
  readonly at: number
  readonly signal: AbortSignal
}

/**
 * A deadline in `ms`. It has passed already if `ms` is not positive. ([LAW-DEADLINE]: nothing waits without a
 * deadline.)
 */
export function createDeadline(clock: Clock, ms: number): Deadline {
  const passed = new AbortController()
  const { signal } = passed
  setMaxListeners(0, signal) // every request of an invocation listens to it, so many listeners are no leak
  const pass = () => passed.abort(new DeadlinePassed(ms))
  const cancel = ms <= 0 ? pass() : startTimer(clock, ms, pass)
  return { at: clock.now() + ms, signal, [Symbol.dispose]: () => cancel?.() }
}

/** Calls `fn` in `ms`, unless the returned function was called before. */
export function startTimer(clock: Clock, ms: number, fn: () => void): () => void {
  if (clock.after !== undefined) return clock.after(ms, fn)
  const done = new AbortController()
  void clock.sleep(ms, done.signal).then(() => {
    if (!done.signal.aborted) fn()
  })
  return () => done.abort(null) // with a reason, since the default reason is an error with a stack
}

/**
 * A deadline in `ms`, or at the outer deadline if that is sooner. The signals need not be joined, since both abort only
 * by time.
 */
export function narrowDeadline(clock: Clock, outer: Deadline, ms: number): Deadline {
  return createDeadline(clock, outer.signal.aborted ? 0 : Math.min(ms, outer.at - clock.now()))
}

/**
 * Resolves like `promise`, or rejects with the signal's reason if it aborts first. The work of `promise` may continue.
 */
export function withinDeadline<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** The reason with which a deadline's signal aborts. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  constructor(ms: number) {
    super(`The deadline of ${Math.max(0, Math.round(ms))} ms passed.`)
  }
}
