import { setMaxListeners } from 'node:events'
import type { Clock } from '../../ports/clock.ts'

/** How long something may take, as an instant and as a signal. Dispose it when the work is done. */
export interface Deadline extends Disposable {
  /** Epoch milliseconds. */
  readonly at: number
  readonly signal: AbortSignal
}

/** A deadline `ms` from now; one that is not in the future has passed. ([LAW-DEADLINE]: nothing waits without one.) */
export function createDeadline(clock: Clock, ms: number): Deadline {
  const passed = new AbortController()
  const done = new AbortController()
  setMaxListeners(0, passed.signal) // every request of an invocation waits for it: many are no leak
  const pass = () => passed.abort(new DeadlinePassed(ms))
  if (ms <= 0) pass()
  else
    void clock.sleep(ms, done.signal).then(() => {
      if (!done.signal.aborted) pass()
    })
  return { at: clock.now() + ms, signal: passed.signal, [Symbol.dispose]: () => done.abort(null) } // a reason, since the default one is an error with a stack
}

/** A deadline `ms` from now, or at the outer one's instant where that comes first: signals end by time alone, so the two need not be joined. */
export function narrowDeadline(clock: Clock, outer: Deadline, ms: number): Deadline {
  return createDeadline(clock, outer.signal.aborted ? 0 : Math.min(ms, outer.at - clock.now()))
}

/** The work of `promise`, or the signal's reason when that comes first. What was begun may go on. */
export function withinDeadline<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** The reason of a deadline's signal. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
  constructor(ms: number) {
    super(`The deadline of ${Math.max(0, Math.round(ms))} ms passed.`)
  }
}
