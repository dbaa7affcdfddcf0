import type { Unsubscribable } from '@trpc/server/observable'
import { callContext, type SubscribeOptions } from './call-options.ts'

/** A procedure that can be subscribed to, as a client has it. */
export interface Subscribable<I, D> {
  subscribe: (input: I, opts: { onData: (data: D) => void }) => Unsubscribable
}
export interface IterateOptions extends SubscribeOptions {
  readonly signal?: AbortSignal
}

/**
 * A subscription as `for await`, for services and tests. It stops when the loop or the signal does, and subscribes to nothing under a signal that has aborted.
 * Events that arrive while the loop is busy wait. Several `next()` may be pending: they settle in the order of their calls. Throws once what `onError` would get.
 */
export function iterate<I, D>(
  procedure: Subscribable<I, D>,
  input: I,
  { signal, onGap }: IterateOptions = {},
): AsyncIterableIterator<D> {
  const values: D[] = []
  const pending: PendingNext<D>[] = []
  let subscription: Unsubscribable | undefined
  let ended = signal?.aborted === true
  let failure: { readonly error: unknown } | undefined

  function finish(): void {
    ended = true
    signal?.removeEventListener('abort', stop)
    for (const { resolve } of pending.splice(0)) resolve(done)
  }
  function stop(): void {
    finish()
    subscription?.unsubscribe()
  }
  const callbacks = {
    onData(data: D) {
      const first = pending.shift()
      if (first === undefined) values.push(data)
      else first.resolve({ done: false, value: data })
    },
    onError(error: unknown) {
      const first = pending.shift()
      if (first === undefined) failure = { error }
      else first.reject(error)
      finish()
    },
    onComplete: finish,
    ...(onGap === undefined ? {} : { context: callContext({ onGap }) }),
  }
  if (!ended) {
    signal?.addEventListener('abort', stop, { once: true })
    subscription = procedure.subscribe(input, callbacks)
    if (ended) subscription.unsubscribe() // it ended before `subscribe` returned
  }

  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      if (values.length > 0) return Promise.resolve({ done: false, value: values.shift() as D }) // undefined is a value too
      if (failure !== undefined) {
        const { error } = failure
        failure = undefined // thrown once: after that the loop is over
        return Promise.reject(error)
      }
      if (ended) return Promise.resolve(done)
      return new Promise((resolve, reject) => pending.push({ resolve, reject }))
    },
    async return() {
      values.length = 0
      failure = undefined
      stop()
      return done
    },
  }
}

const done = { done: true, value: undefined } as const

/** A call of `next()` that has no answer yet. */
interface PendingNext<D> {
  readonly resolve: (result: IteratorResult<D>) => void
  readonly reject: (error: unknown) => void
}
