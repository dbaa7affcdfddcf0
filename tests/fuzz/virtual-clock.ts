import type { Clock } from '@trunkline/server/ports'
import type { Random } from '../../packages/simulator/src/kernel/random.ts'

interface Sleeper {
  readonly at: number
  wake(): void
}

/** A clock that advances only when nothing else can go on. */
export interface VirtualClock extends Clock {
  time: number
  /** Replaces the source of random numbers. */
  seed(random: Random): void
  /**
   * Runs `promise` to its end and advances the time to the next sleeper whenever it waits. Rejects when it never ends.
   */
  drive<T>(promise: Promise<T>): Promise<T>
}

const idleRounds = 1_000 // rounds of the event loop without a sleeper, after which nothing can wake the promise

/**
 * Creates a clock at `start`, in epoch milliseconds. The time does not advance while `isBusy`: something outside of the
 * event loop's turns, such as a socket, is awaited.
 */
export function createVirtualClock(start: number, first: Random, isBusy = () => false): VirtualClock {
  const sleepers = new Set<Sleeper>()
  let random = first
  const clock: VirtualClock = {
    time: start,
    now: () => clock.time,
    random: () => random.next(),
    seed: (next) => {
      random = next
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: clock.time + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      }),
    async drive(promise) {
      let isSettled = false
      const settle = () => {
        isSettled = true
      }
      promise.then(settle, settle)
      for (let idle = 0; idle < idleRounds; ) {
        await new Promise((resolve) => setImmediate(resolve)) // after every microtask
        if (isSettled) return promise
        if (isBusy()) continue
        if (!wakeNext()) idle += 1
      }
      throw new Error('The invocation waits for something that never comes.')
    },
  }
  function wakeNext(): boolean {
    let next: Sleeper | undefined
    for (const sleeper of sleepers) if (next === undefined || sleeper.at < next.at) next = sleeper
    if (next === undefined) return false
    clock.time = Math.max(clock.time, next.at)
    next.wake()
    return true
  }
  return clock
}
