import type { Clock } from '../../ports/clock.ts'

/**
 * Which connections take no posts at present: where posts hung or were throttled again and again none is tried for a
 * while, so that it costs no neighbour time.
 */
export interface Breaker {
  /** Whether a post may be tried. After the pause one is, alone, to find out. */
  admits(connectionId: string): boolean
  /** For how many milliseconds posts to it still fail fast; 0 when they are tried. */
  openFor(connectionId: string): number
  /** A post came through. */
  close(connectionId: string): void
  /** A post hung, or was throttled, to the end of its budget. */
  fail(connectionId: string): void
  /** Whether a retry of the topic comes when this pause is over: what comes meanwhile is left to it. */
  awaitsRetry(connectionId: string, topic: string): boolean
  /**
   * Such a retry was asked for, and comes not before `due`, in epoch milliseconds. To be told when it is sure to come.
   */
  noteRetry(connectionId: string, topic: string, due: number): void
}

/** One lost post is a network's, the second in a row the client's own. */
const failuresTaken = 2
const firstPauseMs = 5_000 // 5 s
const longestPauseMs = 60_000 // a minute
const trialMs = 6_000 // 6 s: a trial's budget; nobody else tries meanwhile
/** Beyond this the oldest is forgotten, which costs a post. */
const connectionsKept = 10_000
/** Topics of a connection whose retries are remembered. Beyond this the oldest is forgotten, which costs a retry. */
const retriesKept = 100

interface Slow {
  readonly failures: number
  /** Epoch milliseconds. */
  readonly until: number
  /** When the retry comes that was asked for, by topic. */
  readonly retries: Map<string, number>
}

export function createBreaker(clock: Clock): Breaker {
  const slow = new Map<string, Slow>()
  const openFor = (connectionId: string) => {
    const { failures, until } = slow.get(connectionId) ?? healthy
    return failures >= failuresTaken ? Math.max(0, until - clock.now()) : 0
  }
  return {
    openFor,
    admits(connectionId) {
      const known = slow.get(connectionId)
      if (known === undefined || known.failures < failuresTaken) return true
      if (openFor(connectionId) > 0) return false
      slow.set(connectionId, { ...known, until: clock.now() + trialMs })
      return true
    },
    close: (connectionId) => void slow.delete(connectionId),
    fail(connectionId) {
      const failures = (slow.get(connectionId) ?? healthy).failures + 1
      const pause = Math.min(firstPauseMs * 2 ** Math.max(0, failures - failuresTaken), longestPauseMs)
      if (slow.size >= connectionsKept && !slow.has(connectionId)) forgetOldest(slow)
      slow.set(connectionId, { failures, until: clock.now() + pause * (0.5 + clock.random() / 2), retries: new Map() })
    },
    awaitsRetry(connectionId, topic) {
      const { retries, until } = slow.get(connectionId) ?? healthy
      return (retries.get(topic) ?? 0) >= until
    },
    noteRetry(connectionId, topic, due) {
      const retries = slow.get(connectionId)?.retries
      if (retries === undefined) return
      if (retries.size >= retriesKept && !retries.has(topic)) forgetOldest(retries)
      retries.set(topic, due)
    },
  }
}

const healthy: Slow = { failures: 0, until: 0, retries: new Map() }

function forgetOldest(known: Map<string, unknown>): void {
  const [oldest] = known.keys()
  if (oldest !== undefined) known.delete(oldest)
}
