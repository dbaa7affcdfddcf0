/** Counts what can go on without the clock moving, so that a test can await its end instead of sleeping. */
export interface Activity {
  /** Something is under way until the returned function is called. */
  begin(): () => void
  /** Resolves when nothing has been under way for a turn of the event loop. */
  idle(): Promise<void>
}

/** A counter with waiters. */
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
        await turn() // what just ended may begin the next thing in its continuations
      } while (count > 0)
    },
  }
}

/** One whole turn of the event loop: timers, sockets and microtasks have had their chance. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
