import type { Invoker } from '../../ports/invoker.ts'
import type { Store } from '../../ports/store.ts'
import { withinDeadline } from './deadline.ts'

/**
 * A store that begins nothing after `signal` and makes nobody wait beyond it; rejects with the signal's reason.
 * [LAW-DEADLINE]: an adapter's own timeouts with their retries may come to more than a frame has left. What was begun may happen all the same.
 */
export function boundStore(store: Store, signal: AbortSignal): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: readonly unknown[]) => {
        signal.throwIfAborted()
        return withinDeadline(signal, Reflect.apply(member, target, args) as Promise<unknown>)
      }
    },
  })
}

/** The same for an invoker. */
export function boundInvoker(invoker: Invoker, signal: AbortSignal): Invoker {
  const { invokeDelayed } = invoker
  return {
    ...(invokeDelayed && {
      invokeDelayed: async (payload, options) => {
        signal.throwIfAborted()
        return withinDeadline(signal, invokeDelayed.call(invoker, payload, { ...options, signal }))
      },
    }),
    kind: invoker.kind,
    invoke: async (name, payload) => {
      signal.throwIfAborted()
      return withinDeadline(signal, invoker.invoke(name, payload, { signal }))
    },
  }
}
