/** Counts what is under way, so that `idle` can wait for it. What only waits for the clock MUST NOT be tracked: time would stand still for whoever awaits `idle` before moving it. */
export interface InFlight {
  track<T>(work: Promise<T>): Promise<T>
  /** Resolves when nothing is under way, also a moment later. */
  idle(): Promise<void>
}

/** An empty counter. */
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
      void work.finally(finish) // a rejection is a fault of ours and stays unhandled: loud
      return work
    },
    async idle() {
      do {
        await settled()
        for (let turn = 0; turn < quietTurns && running === 0; turn++) await nextTurn()
      } while (running > 0)
    },
  }
}

const quietTurns = 3 // bytes on the loopback take a turn or two of the event loop to show up

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
