import type { Clock } from '../ports/clock.ts'

/** Which connections take no posts at present: what hung or was throttled there again and again is not tried for a while, so that it costs its neighbours no time. */
export interface Breaker {
  /** Whether a post may be tried. After the pause one is, alone, to find out. */
  admits(connectionId: string): boolean
  /** Whether posts to it fail fast now. */
  isOpen(connectionId: string): boolean
  /** A post came through. */
  close(connectionId: string): void
  /** A post hung, or was throttled, to the end of its budget. */
  fail(connectionId: string): void
  /** True once for each pause and topic: then the topic's retry is asked for, and what comes later in the pause is left to the client's own fetch. */
  claimRetry(connectionId: string, topic: string): boolean
}

/** One lost post is a network's, the second in a row the client's own. */
const failuresTaken = 2
const firstPauseMs = 5_000 // 5 s
const longestPauseMs = 60_000 // a minute
const trialMs = 6_000 // 6 s: a trial's budget; nobody else tries meanwhile
/** Beyond this the oldest is forgotten, which costs a post. */
const connectionsKept = 10_000

interface Slow {
  readonly failures: number
  /** Epoch milliseconds. */
  readonly until: number
  readonly retried: Set<string>
}

export function createBreaker(clock: Clock): Breaker {
  const slow = new Map<string, Slow>()
  const isOpen = (connectionId: string) => {
    const { failures, until } = slow.get(connectionId) ?? healthy
    return failures >= failuresTaken && clock.now() < until
  }
  return {
    isOpen,
    admits(connectionId) {
      const known = slow.get(connectionId)
      if (known === undefined || known.failures < failuresTaken) return true
      if (isOpen(connectionId)) return false
      slow.set(connectionId, { ...known, until: clock.now() + trialMs })
      return true
    },
    close: (connectionId) => void slow.delete(connectionId),
    fail(connectionId) {
      const failures = (slow.get(connectionId) ?? healthy).failures + 1
      const pause = Math.min(firstPauseMs * 2 ** Math.max(0, failures - failuresTaken), longestPauseMs)
      if (slow.size >= connectionsKept) forgetOldest(slow)
      slow.set(connectionId, { failures, until: clock.now() + pause * (0.5 + clock.random() / 2), retried: new Set() })
    },
    claimRetry(connectionId, topic) {
      const { retried } = slow.get(connectionId) ?? { retried: new Set() }
      return !retried.has(topic) && retried.add(topic) !== undefined
    },
  }
}

const healthy: Slow = { failures: 0, until: 0, retried: new Set() }

function forgetOldest(slow: Map<string, Slow>): void {
  const [oldest] = slow.keys()
  if (oldest !== undefined) slow.delete(oldest)
}
