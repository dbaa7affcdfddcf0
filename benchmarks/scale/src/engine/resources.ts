import type { Simulation } from './kernel.ts'

/** A token bucket. */
export interface Bucket {
  /** Takes tokens. False if it has too few. */
  take(count?: number): boolean
  /** Reserves tokens in order of the calls. Returns the milliseconds until they are there. */
  reserve(count?: number): number
}

/** A full bucket of `burst` tokens, refilled by `perSecond`. */
export function createBucket(
  sim: Pick<Simulation, 'now'>,
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
): Bucket {
  let tokens = burst
  let filledAt = sim.now()
  function fill(): void {
    tokens = Math.min(burst, tokens + ((sim.now() - filledAt) / 1_000) * perSecond)
    filledAt = sim.now()
  }
  return {
    take(count = 1) {
      fill()
      if (tokens < count) return false
      tokens -= count
      return true
    },
    reserve(count = 1) {
      fill()
      tokens -= count
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1_000
    },
  }
}

/** Places for functions that run at the same time. */
export interface Places {
  /** Takes a place, or returns false. */
  take(): boolean
  /** Calls `fn` when a place is free; earlier callers come first. */
  wait(fn: () => void): void
  release(): void
  /** The most places that were taken at a time. */
  peak(): number
}

const scalingMs = 10_000

/** At most `limit` places. New ones beyond the most that were taken come at `perScaling` in 10 s. */
export function createPlaces(
  sim: Simulation,
  { limit, perScaling }: { readonly limit: number; readonly perScaling: number },
): Places {
  let [taken, most] = [0, 0]
  const grown = createBucket(sim, { perSecond: (perScaling / scalingMs) * 1_000, burst: perScaling })
  const waiting: (() => void)[] = []
  let next = 0
  function take(): boolean {
    if (taken >= limit || (taken >= most && !grown.take())) return false
    taken += 1
    most = Math.max(most, taken)
    return true
  }
  function serve(): void {
    while (next < waiting.length && take()) waiting[next++]?.()
    if (next < waiting.length && taken === 0) sim.after(100, serve)
  }
  return {
    take,
    wait(fn) {
      waiting.push(fn)
      serve()
    },
    release() {
      taken -= 1
      serve()
    },
    peak: () => most,
  }
}

/** A processor that serves one request after another. */
export function createQueue(sim: Simulation, serviceMs: number) {
  let freeAt = 0
  return {
    /** The milliseconds until a request that comes now is served. */
    serve(): number {
      freeAt = Math.max(freeAt, sim.now()) + serviceMs
      return freeAt - sim.now()
    },
  }
}
