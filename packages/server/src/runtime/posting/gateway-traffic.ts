import type { Clock } from '../../ports/clock.ts'
import type { Gateway } from '../../ports/gateway.ts'
import { type Breaker, createBreaker } from './circuit-breaker.ts'
import { createPace, type Pace } from './post-pacer.ts'

/**
 * What a process knows of a gateway by its answers, shared by all that posts in it. Never authoritative: another
 * process knows other things.
 */
export interface Traffic {
  readonly breaker: Breaker
  readonly pace: Pace
  readonly counts: TrafficCounts
}

/** Counted from the start of the process. */
export interface TrafficCounts {
  /** Messages that the gateway took. */
  posts: number
  /** Messages that were not needed, since their frames went with others. */
  saved: number
  gone: number
  /** 429s. */
  throttled: number
  /** Posts that were given up, or not tried since their connection is slow. */
  undelivered: number
  /** Rows whose events were left to their client's own fetch. */
  left: number
}

const known = new WeakMap<Gateway, Traffic>()

/** What this process has seen of a gateway. */
export function trafficOf(gateway: Gateway, clock: Clock): Traffic {
  const traffic = known.get(gateway) ?? createTraffic(clock)
  known.set(gateway, traffic)
  return traffic
}

function createTraffic(clock: Clock): Traffic {
  const counts = { posts: 0, saved: 0, gone: 0, throttled: 0, undelivered: 0, left: 0 }
  return { breaker: createBreaker(clock), pace: createPace(clock), counts }
}
