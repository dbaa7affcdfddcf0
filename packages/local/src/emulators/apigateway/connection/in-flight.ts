/**
 * Counts work in flight, so that `idle` can wait for it. Work that only waits for the clock MUST NOT be tracked: a
 * caller that awaits `idle` before it advances the clock would wait forever.
 */
export interface InFlight {
  track<T>(work: Promise<T>): Promise<T>
  /** Counts work that is no promise. The returned function ends it, once. */
  begin(): () => void
  /** Resolves when nothing is in flight, and still nothing is a few event-loop iterations later. */
  idle(): Promise<void>
}

/** Creates a counter with no work in flight. */
export function createInFlight(): InFlight {
  let running = 0
  let waiting: (() => void)[] = []
  const finish = () => {
    running -= 1
    if (running > 0) return
    for (const wake of waiting) wake()
    waiting = []
  }
  const settled = () => (running === 0 ? Promise.resolve() : new Promise<void>((wake) => waiting.push(wake)))
  return {
    track(work) {
      running += 1
      void work.finally(finish) // a rejection is a bug of the emulator; it stays unhandled, so that it is noticed
      return work
    },
    begin() {
      running += 1
      let isRunning = true
      return () => {
        if (isRunning) finish()
        isRunning = false
      }
    },
    async idle() {
      do {
        await settled()
        for (let i = 0; i < quietIterations && running === 0; i++) await nextIteration()
      } while (running > 0)
    },
  }
}

const quietIterations = 3 // bytes on the loopback need one or two event-loop iterations to arrive

function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
