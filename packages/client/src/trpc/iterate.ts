import type { Unsubscribable } from '@trpc/server/observable'
import { defined } from '@trunkline/protocol'
import { callContext, type SubscribeOptions } from './call-options.ts'

/** A subscription procedure of a client, such as `client.room.messages`. */
export interface Subscribable<I, D> {
  /** Subscribes with an input, and calls `onData` for each event. */
  subscribe: (input: I, opts: { onData: (data: D) => void }) => Unsubscribable
}

/** The events of a subscription. `next` has no value once it is over. */
export interface EventIterator<D> extends AsyncIterableIterator<D> {
  /** The next event, in the order of arrival. Rejects once with the error that ended the subscription. */
  next(): Promise<IteratorResult<D, undefined>>
  /** Itself, for `for await`. */
  [Symbol.asyncIterator](): EventIterator<D>
}

export interface IterateOptions extends SubscribeOptions {
  /** Ends the loop when it aborts. */
  readonly signal?: AbortSignal
}

/**
 * Subscribes and returns the events as an async iterator, for services and tests: `for await (const message of
 * iterate(client.room.messages, input))`.
 *
 * The subscription ends with the loop or when `signal` aborts; a signal that has already aborted subscribes to nothing.
 * Events that arrive while the loop is busy are queued without a limit. Several calls of `next()` may be pending; they
 * settle in the order of the calls. An error of the subscription (what `onError` would get) is thrown once; after it
 * the loop is over.
 */
export function iterate<I, D>(
  procedure: Subscribable<I, D>,
  input: I,
  { signal, onGap }: IterateOptions = {},
): EventIterator<D> {
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
    ...defined({ context: onGap && callContext({ onGap }) }),
  }
  if (!ended) {
    signal?.addEventListener('abort', stop, { once: true })
    subscription = procedure.subscribe(input, callbacks)
    if (ended) subscription.unsubscribe() // the subscription ended before `subscribe` returned
  }

  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      // a value may be undefined
      if (values.length > 0) return Promise.resolve({ done: false, value: values.shift() as D })
      if (failure !== undefined) {
        const { error } = failure
        failure = undefined // the error is thrown once
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

/** A pending call of `next()`. */
interface PendingNext<D> {
  readonly resolve: (result: IteratorResult<D, undefined>) => void
  readonly reject: (error: unknown) => void
}
