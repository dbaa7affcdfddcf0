import type { Clock } from '../../ports/clock.ts'
import type { Gateway } from '../../ports/gateway.ts'
import type { Server } from '../context/served-application.ts'
import { type Breaker, createBreaker } from './circuit-breaker.ts'
import { type BeginBudget, createPostBudgets } from './post-budgets.ts'
import { createPostPacer, type PostPacer } from './post-pacer.ts'

/**
 * What a process has learned from a gateway's answers, shared by all its posts. It is only a hint, since each process
 * learns alone.
 */
export interface Traffic {
  readonly breaker: Breaker
  readonly pacer: PostPacer
  readonly beginBudget: BeginBudget
  readonly counts: TrafficCounts
}

/** Counted from the start of the process. */
export interface TrafficCounts {
  /** Messages that the gateway took. */
  posts: number
  /** Messages that were saved, because their frames shared another message. */
  saved: number
  gone: number
  /** Posts that the gateway answered with 429. */
  throttled: number
  /** Posts that were given up, or not tried because their connection is slow. */
  undelivered: number
  /** Rows whose events were left to their client's own fetch. */
  left: number
}

/** The time for one post and its retries, in milliseconds. */
export const postBudgetMs = 6_000

const known = new WeakMap<Gateway, Traffic>()

/** What the first post of a process decides for its traffic to a gateway. */
export interface TrafficOptions {
  readonly clock: Clock
  /** The served application, which has the account's rate. @default the rate of an account with the default quota */
  readonly server?: Pick<Server, 'accountPostsPerSecond'> | undefined
}

/** This process's traffic to a gateway. */
export function trafficOf(gateway: Gateway, options: TrafficOptions): Traffic {
  const traffic = known.get(gateway) ?? createTraffic(options)
  known.set(gateway, traffic)
  return traffic
}

function createTraffic({ clock, server }: TrafficOptions): Traffic {
  const counts = { posts: 0, saved: 0, gone: 0, throttled: 0, undelivered: 0, left: 0 }
  return {
    breaker: createBreaker(clock),
    pacer: createPostPacer(clock, server?.accountPostsPerSecond),
    beginBudget: createPostBudgets(clock, postBudgetMs),
    counts,
  }
}
