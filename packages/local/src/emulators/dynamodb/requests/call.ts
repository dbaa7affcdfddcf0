import { AsyncLocalStorage } from 'node:async_hooks'
import type { Release, SubDb } from '../rows/dynalite.ts'
import type { TableRegistry } from '../rows/tables.ts'

/** The work for which dynalite's callbacks run: a request, or a sweep of expired items. */
export interface Call {
  readonly tables: TableRegistry
  /** True when DynamoDB itself deletes an expired item. */
  readonly expiry?: true
  /** Ends the work with an unexpected error of dynalite. MUST be safe to call twice. */
  fail(error: unknown): void
}

const calls = new AsyncLocalStorage<Call>()

/** Runs `fn`, and everything that it starts, on behalf of `call`. */
export function runCall(call: Call, fn: () => void): void {
  calls.run(call, fn)
}

/** The current call, if any. */
export function currentCall(): Call | undefined {
  return calls.getStore()
}

/** Prevents `done` from ending the process: an exception fails the call to which it belongs. */
export function guard<Args extends unknown[]>(done: (...args: Args) => void): (...args: Args) => void {
  const call = calls.getStore()
  if (call === undefined) return done
  return (...args) => {
    try {
      done(...args)
    } catch (error) {
      call.fail(error)
    }
  }
}

/**
 * dynalite's lock with two fixes. A waiter is started by the release of another call, in that call's context, so its
 * own context is restored. An exception under the lock releases it; otherwise every later write of the item would wait
 * forever.
 */
export function guardLock(lock: SubDb<unknown>['lock']): SubDb<unknown>['lock'] {
  return (key, exec) => {
    const call = calls.getStore()
    if (call === undefined) return lock(key, exec)
    lock(key, (release) => {
      let unlock = release(() => {})
      const unlockOnce = () => {
        unlock()
        unlock = () => {} // dynalite's lock throws when it is released twice
      }
      const fail = (error: unknown) => {
        unlockOnce()
        call.fail(error)
      }
      const releaseOnce: Release =
        (done) =>
        (...args) => {
          unlockOnce()
          done(...args)
        }
      calls.run({ ...call, fail }, () => guard(exec)(releaseOnce))
    })
  }
}
