import type { LocalClock } from '../clock.ts'

/**
 * Sweeps every `everyMs` of the clock; time that is moved in one step causes one sweep. A sweep that falls due while
 * one runs starts after it. Returns a function that stops the sweeper and awaits the running sweep.
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
