/** Time and randomness. `runtime` takes both from here only, so that a simulation is repeatable. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /**
   * Resolves after `ms` milliseconds, or when `signal` aborts. MUST NOT reject. With `background`, the sleep does not
   * keep the process alive.
   */
  sleep(ms: number, signal?: AbortSignal, options?: { readonly background?: boolean }): Promise<void>
  /**
   * Calls `fn` after `ms` milliseconds, unless the returned function was called before. A clock may leave it out; then
   * `sleep` is used, which costs each frame an `AbortController`.
   */
  after?(ms: number, fn: () => void): () => void
  /** A random number, uniform in [0, 1). */
  random(): number
}

/** A clock without timers and randomness. */
export type WallClock = Pick<Clock, 'now'>

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal, options) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      if (options?.background === true) timer.unref()
      signal?.addEventListener('abort', done)
    }),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
  random: () => (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32,
}

/** A random name of `length` characters of `0-9 a-z`. */
export function randomName(clock: Clock, length: number): string {
  let name = ''
  while (name.length < length) name += Math.floor(clock.random() * 36).toString(36)
  return name
}
