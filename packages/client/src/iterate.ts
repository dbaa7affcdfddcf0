import type { Unsubscribable } from '@trpc/server/observable'
import { lineContext, type SubscribeOptions } from './call-options.ts'

/** A procedure that can be subscribed to, as a client has it. */
export interface Subscribable<I, D> {
  subscribe: (input: I, opts: { onData: (data: D) => void }) => Unsubscribable
}
export interface IterateOptions extends SubscribeOptions {
  readonly signal?: AbortSignal
}

/** A subscription as `for await`, for services and tests. Stops when the loop or the signal does; throws what `onError` would get. What comes while the loop is busy waits. */
export function iterate<I, D>(
  procedure: Subscribable<I, D>,
  input: I,
  { signal, onGap }: IterateOptions = {},
): AsyncIterableIterator<D> {
  const values: D[] = []
  let wake = () => {}
  let ended = false
  let failure: { readonly error: unknown } | undefined

  function finish(): void {
    ended = true
    signal?.removeEventListener('abort', stop)
    wake()
  }
  function stop(): void {
    finish()
    subscription.unsubscribe()
  }
  const callbacks = {
    onData(data: D) {
      values.push(data)
      wake()
    },
    onError(error: unknown) {
      failure = { error }
      finish()
    },
    onComplete: finish,
    ...(onGap === undefined ? {} : { context: lineContext({ onGap }) }),
  }
  const subscription = procedure.subscribe(input, callbacks)
  if (signal?.aborted) stop()
  else signal?.addEventListener('abort', stop, { once: true })

  const next = async (): Promise<IteratorResult<D>> => {
    for (;;) {
      if (values.length > 0) return { done: false, value: values.shift() as D } // undefined is a value too
      if (failure !== undefined) {
        const { error } = failure
        failure = undefined // told once: after that the loop is over
        throw error
      }
      if (ended) return { done: true, value: undefined }
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next,
    async return() {
      values.length = 0
      stop()
      return { done: true, value: undefined }
    },
  }
}
