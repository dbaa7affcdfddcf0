import { AsyncLocalStorage } from 'node:async_hooks'
import type { Release, SubDb } from '../rows/dynalite.ts'
import type { TableRegistry } from '../rows/tables.ts'

/** The work that dynalite's callbacks are running for: a request, or a sweep of expired items. */
export interface Call {
  readonly tables: TableRegistry
  /** DynamoDB itself deletes, because an item expired. */
  readonly expiry?: true
  /** Ends the work with an error that dynalite did not mean. MUST be safe to call twice. */
  fail(error: unknown): void
}

const calls = new AsyncLocalStorage<Call>()

/** Runs `fn` and all that it starts for `call`. */
export function runCall(call: Call, fn: () => void): void {
  calls.run(call, fn)
}

/** The work under way, if any. */
export function currentCall(): Call | undefined {
  return calls.getStore()
}

/** Makes `done` unable to end the process: what it throws fails the call it belongs to. */
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
 * dynalite's lock, with two repairs. A waiter runs when another call lets go, hence in that call's context: it gets its
 * own back. And what throws under the lock lets it go, or every later write of the item would wait for ever.
 */
export function guardLock(lock: SubDb<unknown>['lock']): SubDb<unknown>['lock'] {
  return (key, exec) => {
    const call = calls.getStore()
    if (call === undefined) return lock(key, exec)
    lock(key, (release) => {
      let unlock = release(() => {})
      const letGo = () => {
        unlock()
        unlock = () => {} // dynalite's lock throws when it is let go twice
      }
      const fail = (error: unknown) => {
        letGo()
        call.fail(error)
      }
      const giveBack: Release =
        (done) =>
        (...args) => {
          letGo()
          done(...args)
        }
      calls.run({ ...call, fail }, () => guard(exec)(giveBack))
    })
  }
}
