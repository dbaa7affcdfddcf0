import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Cancels a timer. */
export type CancelTimer = () => void

/**
 * The local line's time: the machine's time plus whatever `advance` added. Gateway, functions, table and clients of one
 * line share one clock.
 */
export interface LocalClock {
  /** Epoch milliseconds. */
  now(): number
  /** Resolves after `ms` of this clock, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Uniform in [0, 1); reproducible with a seed. */
  random(): number
  /**
   * Calls `fn` once, `ms` from now by this clock. `quiet` marks periodic background work: `advance` calls quiet timers
   * that fall due once, at its end.
   */
  after(ms: number, fn: () => void, options?: { readonly quiet?: boolean }): CancelTimer
  /** Moves time forward by `ms`. Calls the timers that fall due in order and awaits `settle` after each. */
  advance(ms: number, settle?: () => Promise<void>): Promise<void>
  /** Drops all timers. */
  close(): void
}

interface Timer {
  readonly at: number
  readonly quiet: boolean
  readonly fn: () => void
}

/** Creates a clock that starts at the machine's time. `seed` makes `random` reproducible. */
export function createLocalClock(options: { readonly seed?: number } = {}): LocalClock {
  const timers = new Set<Timer>()
  const random = options.seed === undefined ? Math.random : seededRandom(options.seed)
  let skew = 0
  let wake: ReturnType<typeof setTimeout> | undefined
  let wakeAt = Number.POSITIVE_INFINITY
  const now = () => Date.now() + skew

  function wakeFor(timer: Timer | undefined): void {
    clearTimeout(wake)
    wakeAt = timer?.at ?? Number.POSITIVE_INFINITY
    if (timer === undefined) return
    wake = setTimeout(fireDue, Math.min(Math.max(0, timer.at - now()), 2 ** 31 - 1))
    wake.unref?.()
  }
  function fire(timer: Timer): void {
    timers.delete(timer)
    timer.fn()
  }
  function fireDue(): void {
    for (let due = dueAt(timers, now()); due.length > 0; due = dueAt(timers, now()))
      for (const timer of due) if (timers.has(timer)) fire(timer)
    wakeFor(earliest(timers))
  }
  const after: LocalClock['after'] = (ms, fn, { quiet = false } = {}) => {
    const timer = { at: now() + ms, fn, quiet }
    timers.add(timer)
    if (timer.at < wakeAt) wakeFor(timer)
    return () => {
      timers.delete(timer) // a wake for it finds nothing due: to search for the next timer here takes longer
    }
  }
  return {
    now,
    random,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const done = () => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = after(ms, done)
        signal?.addEventListener('abort', done)
      }),
    async advance(ms, settle = async () => {}) {
      const target = now() + ms
      const loud = () => earliest([...timers].filter((timer) => !timer.quiet))
      await settle()
      for (let next = loud(); next !== undefined && next.at <= target; next = loud()) {
        skew += Math.max(0, next.at - now())
        fire(next)
        await settle()
      }
      skew += Math.max(0, target - now())
      for (const timer of [...timers]) if (timer.quiet && timer.at <= target) fire(timer)
      await settle()
      wakeFor(earliest(timers))
    },
    close() {
      clearTimeout(wake)
      timers.clear()
    },
  }
}

/** The timers that are due, in their order. */
function dueAt(timers: Iterable<Timer>, now: number): readonly Timer[] {
  return [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
}

function earliest(timers: Iterable<Timer>): Timer | undefined {
  let first: Timer | undefined
  for (const timer of timers) if (first === undefined || timer.at < first.at) first = timer
  return first
}

function seededRandom(seed: number): () => number {
  const generator = xoroshiro128plus(seed)
  return () => uniformFloat64(generator)
}
