import { setMaxListeners } from 'node:events'
import type { Clock } from '../../ports/clock.ts'

/** A deadline as a time and as a signal. Dispose it when the work is done. */
export interface Deadline extends Disposable {
  /** Epoch milliseconds. */
  readonly at: number
  readonly isPassed: boolean
  /** Aborts when the deadline passes. It is made when it is first read, since most work needs none. */
  readonly signal: AbortSignal
  /** Throws `DeadlinePassed` once the deadline has passed. */
  throwIfPassed(): void
  /**
   * Calls `fn` when the deadline passes, at once if it has passed, with the reason. Not after the returned function was
   * called.
   */
  onPass(fn: (reason: DeadlinePassed) => void): () => void
}

/**
 * A deadline in `ms`. It has passed already if `ms` is not positive. ([LAW-DEADLINE]: nothing waits without a
 * deadline.) `at` is the time that it states.
 */
export function createDeadline(clock: Clock, ms: number, at: number = clock.now() + ms): Deadline {
  return new TimedDeadline(clock, ms, at)
}

class TimedDeadline implements Deadline {
  readonly at: number
  readonly #ms: number
  readonly #cancel: (() => void) | undefined
  #reason: DeadlinePassed | undefined
  #passed: AbortController | undefined
  #waiting: Set<(reason: DeadlinePassed) => void> | undefined

  constructor(clock: Clock, ms: number, at: number) {
    this.at = at
    this.#ms = ms
    if (ms <= 0) this.#reason = new DeadlinePassed(ms)
    else this.#cancel = startTimer(clock, ms, () => this.#pass())
  }

  get isPassed(): boolean {
    return this.#reason !== undefined
  }

  get signal(): AbortSignal {
    if (this.#passed === undefined) {
      this.#passed = createController()
      if (this.#reason !== undefined) this.#passed.abort(this.#reason)
    }
    return this.#passed.signal
  }

  throwIfPassed(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  onPass(fn: (reason: DeadlinePassed) => void): () => void {
    if (this.#reason !== undefined) {
      fn(this.#reason)
      return () => {}
    }
    this.#waiting ??= new Set()
    const waiting = this.#waiting
    waiting.add(fn)
    return () => void waiting.delete(fn)
  }

  [Symbol.dispose](): void {
    this.#cancel?.()
  }

  #pass(): void {
    const reason = new DeadlinePassed(this.#ms)
    this.#reason = reason
    this.#passed?.abort(reason)
    for (const fn of this.#waiting ?? []) fn(reason)
    this.#waiting?.clear()
  }
}

/** A controller of a signal that any number of requests may listen to: many listeners are no leak. */
export function createController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
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
 * by time. `at` is the time that it states, by default its own.
 */
export function narrowDeadline(clock: Clock, outer: Deadline, ms: number, at?: number): Deadline {
  return createDeadline(clock, outer.isPassed ? 0 : Math.min(ms, outer.at - clock.now()), at)
}

/** Resolves like `promise`, or rejects when the deadline passes first. The work of `promise` may continue. */
export function withinDeadline<T>(deadline: Deadline, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = deadline.onPass(reject)
    promise.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (thrown: unknown) => {
        cancel()
        reject(thrown)
      },
    )
  })
}

/**
 * Resolves like `promise`, or rejects with the signal's reason if it aborts first. The work of `promise` may continue.
 */
export function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const waiting = waitingFor(signal)
    if (signal.aborted) reject(signal.reason)
    else waiting.add(reject)
    promise.then(
      (value) => {
        waiting.delete(reject)
        resolve(value)
      },
      (thrown: unknown) => {
        waiting.delete(reject)
        reject(thrown)
      },
    )
  })
}

type Reject = (reason: unknown) => void

/** Holds who waits for a signal, on the signal itself. A WeakMap makes each garbage collection longer. */
const waitingKey = Symbol('waiting')

/** Thousands of posts wait for one signal. A listener of each would take longer than the rest of its post. */
function waitingFor(signal: AbortSignal & { [waitingKey]?: Set<Reject> }): Set<Reject> {
  const known = signal[waitingKey]
  if (known !== undefined) return known
  const waiting = new Set<Reject>()
  signal[waitingKey] = waiting
  const rejectAll = () => {
    for (const reject of waiting) reject(signal.reason)
    waiting.clear()
  }
  signal.addEventListener('abort', rejectAll, { once: true })
  return waiting
}

/** The reason with which a deadline's signal aborts. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  constructor(ms: number) {
    super(`The deadline of ${Math.max(0, Math.round(ms))} ms passed.`)
  }
}
