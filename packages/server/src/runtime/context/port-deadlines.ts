import type { Clock } from '../../ports/clock.ts'
import type { Invoker } from '../../ports/invoker.ts'
import type { Store } from '../../ports/store.ts'
import { type Deadline, withinDeadline } from './deadline.ts'
import { recordRowsOf } from './read-times.ts'

/**
 * A store that starts nothing after `deadline` has passed, and does not make a caller wait any longer; it rejects with
 * `DeadlinePassed`. An adapter's own timeouts and retries may take longer than a frame may [LAW-DEADLINE]. A request
 * that was started may still take effect. Records when rows of topics were read: see `readTimeOf`.
 */
export function boundStore(store: Store, deadline: Deadline, clock: Clock): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: readonly unknown[]) => {
        deadline.throwIfPassed()
        const time = clock.now()
        const result = await withinDeadline(deadline, Reflect.apply(member, target, args) as Promise<unknown>)
        recordRowsOf(name, time, result)
        return result
      }
    },
  })
}

/** The same for an invoker. */
export function boundInvoker(invoker: Invoker, deadline: Deadline): Invoker {
  const { invokeDelayed } = invoker
  return {
    ...(invokeDelayed && {
      invokeDelayed: async (payload, options) => {
        deadline.throwIfPassed()
        return withinDeadline(deadline, invokeDelayed.call(invoker, payload, { ...options, signal: deadline.signal }))
      },
    }),
    kind: invoker.kind,
    invoke: async (name, payload) => {
      deadline.throwIfPassed()
      return withinDeadline(deadline, invoker.invoke(name, payload, { signal: deadline.signal }))
    },
  }
}
