import type { LocalClock } from '../../clock.ts'

/** A token bucket: `burst` tokens, refilled by `perSecond`. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Takes one token. Returns false when the bucket is empty. */
export type Throttle = () => boolean

/** Creates a token bucket that is refilled by the clock. Without a rate, every request passes. */
export function createThrottle(clock: LocalClock, rate: Rate | undefined): Throttle {
  if (rate === undefined) return () => true
  let tokens = rate.burst
  let filledAt = clock.now()
  return () => {
    const now = clock.now()
    tokens = Math.min(rate.burst, tokens + ((now - filledAt) / 1000) * rate.perSecond)
    filledAt = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
