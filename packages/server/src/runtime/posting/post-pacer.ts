import type { Clock } from '../../ports/clock.ts'

/**
 * How fast this process posts. API Gateway throttles an account, not a connection: what one post is refused, all of
 * them back off from, and come back slowly (additive increase, multiplicative decrease). Functions share nothing, so
 * each finds its share by what it is refused.
 */
export interface Pace {
  /** Takes the next turn: milliseconds until it comes, 0 for now. */
  take(): number
  /** The gateway answered 429 to a post to this connection. Tells whom it means, as far as can be known. */
  refuse(connectionId: string): 'account' | 'connection'
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
/**
 * A 429 means that a client reads too slowly or that the account's quota is used up: the account, when as many
 * connections as these are refused at a time, and this part of what is posted.
 */
const connectionsMeant = 2
const shareMeant = 0.05
const refusedKept = 10_000 // more than the share of any rate, so those that are dropped change no answer

export function createPace(clock: Clock): Pace {
  let ceiling = accountRate
  let current = ceiling
  let grownAt = clock.now()
  let cutAt = Number.NEGATIVE_INFINITY
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
    take() {
      recent.add()
      const now = clock.now()
      const at = Math.max(nextAt, now - burstMs)
      nextAt = at + 1_000 / rate()
      return Math.max(0, at - now)
    },
    refuse(connectionId) {
      const now = clock.now()
      refused.delete(connectionId)
      refused.set(connectionId, now) // the oldest stand first
      for (const [id, at] of refused) {
        if (now - at <= windowMs && refused.size <= refusedKept) break
        refused.delete(id)
      }
      if (refused.size < Math.max(connectionsMeant, recent.count() * shareMeant)) return 'connection'
      if (now - cutAt < cutMs) return 'account'
      current = Math.max(lowestRate, rate() / 2)
      cutAt = now
      return 'account'
    },
    limit(wanted) {
      ceiling = Math.max(lowestRate, Math.min(accountRate, wanted))
      current = Math.min(current, ceiling)
    },
  }
}

/** Counts what there was in the last second or two. */
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
