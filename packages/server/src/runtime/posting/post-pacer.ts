import type { Clock } from '../../ports/clock.ts'

/**
 * Limits how fast this process posts. API Gateway throttles an account and not a connection, so after a refused post
 * the whole process slows down, and speeds up again slowly (additive increase, multiplicative decrease). Processes
 * share no state; each finds its share of the rate by its refused posts.
 */
export interface PostPacer {
  /** Reserves the next post. Returns the milliseconds until it may start; 0 for now. */
  reserve(): number
  /**
   * Notes that the gateway answered a post to this connection with 429. Returns the probable cause: the account's
   * quota, or a slow client.
   */
  noteThrottled(connectionId: string): 'account' | 'connection'
  /** The current limit, in posts per second. */
  rate(): number
  /** Limits this process to `ceiling` posts per second, its part of the account's rate. */
  limit(ceiling: number): void
}

/** The default quota of an account in a region, in messages per second, inbound messages included. */
export const defaultAccountRate = 10_000
/** The lowest limit of a process, in posts per second. */
export const minRate = 20
const growth = 0.1 // of the ceiling, each second
const burstMs = 100 // unused reservations are kept for this long
const windowMs = 1_000 // 1 s
const halvingMs = 250 // at most one halving in this time, since several posts are under way when the first is refused
/**
 * A 429 means either that a client reads too slowly or that the account's quota is used up. It counts as the quota when
 * at least this many connections, and at least this share of all posts, are refused within a second.
 */
const minConnections = 2
const minShare = 0.05
const refusedKept = 10_000 // more than `minShare` of any rate, so that dropped entries change no result

/** `accountRate`: the account's quota, in posts per second. */
export function createPostPacer(clock: Clock, accountRate = defaultAccountRate): PostPacer {
  let ceiling = accountRate
  let current = ceiling
  let grownAt = clock.now()
  let halvedAt = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  const refused = new Map<string, number>()
  const recent = createRecentCount(clock)

  function rate(): number {
    const now = clock.now()
    current = Math.min(ceiling, current + (ceiling * growth * Math.max(0, now - grownAt)) / 1_000)
    grownAt = now
    return current
  }
  return {
    rate,
    reserve() {
      recent.add()
      const now = clock.now()
      const at = Math.max(nextAt, now - burstMs)
      nextAt = at + 1_000 / rate()
      return Math.max(0, at - now)
    },
    noteThrottled(connectionId) {
      const now = clock.now()
      refused.delete(connectionId)
      refused.set(connectionId, now) // the oldest entries come first
      for (const [id, at] of refused) {
        if (now - at <= windowMs && refused.size <= refusedKept) break
        refused.delete(id)
      }
      if (refused.size < Math.max(minConnections, recent.count() * minShare)) return 'connection'
      if (now - halvedAt < halvingMs) return 'account'
      current = Math.max(minRate, rate() / 2)
      halvedAt = now
      return 'account'
    },
    limit(rateLimit) {
      ceiling = Math.max(minRate, Math.min(accountRate, rateLimit))
      current = Math.min(current, ceiling)
    },
  }
}

/** Counts the calls of `add` in the last second or two. */
function createRecentCount(clock: Clock) {
  let [since, before, now] = [clock.now(), 0, 0]
  function roll(): void {
    const passed = clock.now() - since
    if (passed < windowMs) return
    ;[since, before, now] = [clock.now(), passed < 2 * windowMs ? now : 0, 0]
  }
  return {
    add() {
      roll()
      now += 1
    },
    count() {
      roll()
      return before + now
    },
  }
}
