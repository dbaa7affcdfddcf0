/** Counts the work that proceeds without the clock moving, so that a test can await its end instead of sleeping. */
export interface Activity {
  /** Work is in flight until the returned function is called. */
  begin(): () => void
  /** Resolves when nothing has been in flight for an iteration of the event loop. */
  idle(): Promise<void>
}

/** Creates a counter with no work in flight. */
export function createActivity(): Activity {
  let count = 0
  let waiters: (() => void)[] = []
  function end(): void {
    count -= 1
    if (count > 0) return
    const woken = waiters
    waiters = []
    for (const wake of woken) wake()
  }
  const none = () => (count === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiters.push(resolve)))
  return {
    begin() {
      let ended = false
      count += 1
      return () => {
        if (ended) return
        ended = true
        end()
      }
    },
    async idle() {
      do {
        await none()
        await nextIteration() // continuations of finished work may start new work
      } while (count > 0)
    },
  }
}

/** One whole iteration of the event loop: timers, sockets and microtasks have run. */
function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
