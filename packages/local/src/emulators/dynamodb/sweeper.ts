import type { LocalClock } from '../clock.ts'

/**
 * Sweeps each `everyMs` of the clock, once for time that is moved at a stroke. A sweep that falls due while one runs
 * follows it. Returns how to stop, which awaits the sweep under way.
 */
export function startSweeper(clock: LocalClock, everyMs: number, sweep: () => Promise<unknown>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  let cancel = clock.after(everyMs, tick, { quiet: true })

  function tick(): void {
    cancel = clock.after(everyMs, tick, { quiet: true })
    again = true
    running ??= run()
  }
  async function run(): Promise<void> {
    for (; again; ) {
      again = false
      await sweep().catch(() => {}) // the next sweep finds the same items
    }
    running = undefined
  }
  return async () => {
    cancel()
    again = false
    await running
  }
}
