import type { LocalClock } from '../../clock.ts'

/** A token bucket's size: `burst` at once, refilled by `perSecond`. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Says whether one more may pass, and counts it if so. */
export type Throttle = () => boolean

/** A token bucket by the clock. Without a rate everything passes. */
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
