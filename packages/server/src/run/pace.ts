import type { Clock } from '../ports/clock.ts'

/**
 * How fast this process posts. API Gateway throttles an account, not a connection: what one post is refused, all of them back off from, and come back slowly
 * (additive increase, multiplicative decrease). Functions share nothing, so each finds its share by what it is refused.
 */
export interface Pace {
  /** Takes the next turn: milliseconds until it comes, 0 for now. */
  take(): number
  /** The gateway answered 429 to a post to this connection. */
  refuse(connectionId: string): void
  /** Posts per second that are allowed now. */
  rate(): number
  /** Keeps below this many posts per second: one function's part of the account's. */
  limit(ceiling: number): void
}

/** The account's posts per second in a region, its inbound messages included. Raise it with the quota. */
export const accountRate = 10_000
const lowestRate = 20
const growth = 0.1 // of the ceiling, each second
const burstMs = 100 // turns that were not taken are kept for this long
const windowMs = 1_000 // 1 s
const cutMs = 250 // one halving for the answers to what was under way when the first came
/** A single connection's 429 means that its client reads too slowly; of two at a time the account's quota is meant. */
const connectionsMeant = 2

export function createPace(clock: Clock): Pace {
  let ceiling = accountRate
  let current = ceiling
  let grownAt = clock.now()
  let cutAt = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  const refused = new Map<string, number>()

  function rate(): number {
    const now = clock.now()
    current = Math.min(ceiling, current + (ceiling * growth * Math.max(0, now - grownAt)) / 1_000)
    grownAt = now
    return current
  }
  return {
    rate,
    take() {
      const now = clock.now()
      const at = Math.max(nextAt, now - burstMs)
      nextAt = at + 1_000 / rate()
      return Math.max(0, at - now)
    },
    refuse(connectionId) {
      const now = clock.now()
      refused.set(connectionId, now)
      for (const [id, at] of refused) if (now - at > windowMs) refused.delete(id)
      if (refused.size < connectionsMeant || now - cutAt < cutMs) return
      current = Math.max(lowestRate, rate() / 2)
      cutAt = now
    },
    limit(wanted) {
      ceiling = Math.max(lowestRate, Math.min(accountRate, wanted))
      current = Math.min(current, ceiling)
    },
  }
}
