/** The timers of a page. */
interface Clock {
  now(): number
  after(ms: number, fn: () => void): void
}

const pageClock: Clock = { now: () => performance.now(), after: (ms, fn) => void setTimeout(fn, ms) }

/**
 * Sends the newest of many values: at most one every `everyMs`, and one at a time. Values in between are left out. The
 * last value is always sent, and one that could not be sent is replaced by the next.
 */
export function sendLatest<T>(
  everyMs: number,
  send: (value: T) => Promise<unknown>,
  clock = pageClock,
): (value: T) => void {
  let waiting: { readonly value: T } | undefined
  let isBusy = false

  async function sendWaiting(): Promise<void> {
    isBusy = true
    while (waiting !== undefined) {
      const { value } = waiting
      waiting = undefined
      const startedAt = clock.now()
      await send(value).catch(() => {})
      await new Promise<void>((resolve) => clock.after(Math.max(0, startedAt + everyMs - clock.now()), resolve))
    }
    isBusy = false
  }

  return (value) => {
    waiting = { value }
    if (!isBusy) void sendWaiting()
  }
}
