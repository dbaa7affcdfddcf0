import type { Unsubscribable } from '@trpc/server/observable'
import { expect, test, vi } from 'vitest'
import { iterate } from './iterate.ts'

interface Callbacks {
  onData: (data: number) => void
  onError?: (error: unknown) => void
  onComplete?: () => void
}

/** A procedure whose values the test produces. */
function createProcedure() {
  const made = { callbacks: undefined as Callbacks | undefined, subscribed: 0, unsubscribe: vi.fn() }
  const subscribe = (_: undefined, callbacks: Callbacks): Unsubscribable => {
    made.subscribed += 1
    made.callbacks = callbacks
    return made
  }
  return { made, procedure: { subscribe } }
}

test('several pending next() settle in the order of their calls', async () => {
  const { made, procedure } = createProcedure()
  const iterator = iterate(procedure, undefined)
  const pending = [iterator.next(), iterator.next(), iterator.next()]
  for (const value of [1, 2, 3, 4]) made.callbacks?.onData(value)
  expect(await Promise.all(pending)).toEqual([1, 2, 3].map((value) => ({ done: false, value })))
  expect(await iterator.next()).toEqual({ done: false, value: 4 })
})

test('the end of a subscription settles every pending next()', async () => {
  const { made, procedure } = createProcedure()
  const iterator = iterate(procedure, undefined)
  const pending = [iterator.next(), iterator.next()]
  made.callbacks?.onData(1)
  made.callbacks?.onComplete?.()
  expect(await Promise.all(pending)).toEqual([
    { done: false, value: 1 },
    { done: true, value: undefined },
  ])
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test('an error rejects the first pending next() and ends the others', async () => {
  const { made, procedure } = createProcedure()
  const iterator = iterate(procedure, undefined)
  const pending = [iterator.next(), iterator.next()]
  made.callbacks?.onError?.(new Error('over'))
  await expect(pending[0]).rejects.toThrow('over')
  expect(await pending[1]).toEqual({ done: true, value: undefined })
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test('an error that arrives while nothing is pending is thrown once, after the values before it', async () => {
  const { made, procedure } = createProcedure()
  const iterator = iterate(procedure, undefined)
  made.callbacks?.onData(1)
  made.callbacks?.onError?.(new Error('over'))
  expect(await iterator.next()).toEqual({ done: false, value: 1 })
  await expect(iterator.next()).rejects.toThrow('over')
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test.each([
  ['return()', (iterator: AsyncIterableIterator<number>) => void iterator.return?.()],
  ['the signal', (_: unknown, controller: AbortController) => controller.abort()],
])('%s settles every pending next() and unsubscribes', async (_, end) => {
  const { made, procedure } = createProcedure()
  const controller = new AbortController()
  const iterator = iterate(procedure, undefined, { signal: controller.signal })
  const pending = [iterator.next(), iterator.next()]
  end(iterator, controller)
  expect(await Promise.all(pending)).toEqual(pending.map(() => ({ done: true, value: undefined })))
  expect(made.unsubscribe).toHaveBeenCalledOnce()
})

test('a signal that has already aborted subscribes to nothing', async () => {
  const { made, procedure } = createProcedure()
  const iterator = iterate(procedure, undefined, { signal: AbortSignal.abort() })
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
  expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
  expect(made.subscribed).toBe(0)
  expect(made.unsubscribe).not.toHaveBeenCalled()
})

test('a signal that aborts while the subscription begins ends the loop and unsubscribes', async () => {
  const controller = new AbortController()
  const unsubscribe = vi.fn()
  const procedure = {
    subscribe(_: undefined, __: Callbacks): Unsubscribable {
      controller.abort()
      return { unsubscribe }
    },
  }
  const iterator = iterate(procedure, undefined, { signal: controller.signal })
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
  expect(unsubscribe).toHaveBeenCalledOnce()
})
