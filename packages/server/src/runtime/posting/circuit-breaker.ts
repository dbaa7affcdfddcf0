import type { Clock } from '../../ports/clock.ts'

/**
 * Decides which connections get posts. After several posts to a connection have hung or were throttled, none is tried
 * for a while, so that it takes no time from other connections.
 */
export interface Breaker {
  /** Whether a post may be tried. After the pause a single post is tried first. */
  admits(connectionId: string): boolean
  /** The milliseconds for which posts to the connection still fail at once; 0 when they are tried. */
  openFor(connectionId: string): number
  /** Notes that a post succeeded. */
  close(connectionId: string): void
  /** Notes that a post hung or was throttled until its budget was used up. */
  fail(connectionId: string): void
  /**
   * Whether a retry of the topic is scheduled after this pause. It then also posts the events that come during the
   * pause.
   */
  awaitsRetry(connectionId: string, topic: string): boolean
  /** Notes a retry that runs at `due` or later, in epoch milliseconds. Call it only after the retry was scheduled. */
  noteRetry(connectionId: string, topic: string, due: number): void
}

/** One lost post is probably the network's fault, the second in a row the client's. */
const failureThreshold = 2
const firstPauseMs = 5_000 // 5 s
const maxPauseMs = 60_000 // a minute
const trialMs = 6_000 // 6 s: the budget of a single post, during which no other is tried
/** Beyond this the oldest connection is dropped, which costs one futile post. */
const connectionsKept = 10_000
/** Beyond this the oldest retry of a connection is dropped, which costs one more retry. */
const retriesKept = 100

interface SlowConnection {
  readonly failures: number
  /** Epoch milliseconds. */
  readonly until: number
  /** When the scheduled retries run, by topic. */
  readonly retries: Map<string, number>
}

export function createBreaker(clock: Clock): Breaker {
  const slow = new Map<string, SlowConnection>()
  const openFor = (connectionId: string) => {
    const { failures, until } = slow.get(connectionId) ?? healthy
    return failures >= failureThreshold ? Math.max(0, until - clock.now()) : 0
  }
  return {
    openFor,
    admits(connectionId) {
      const known = slow.get(connectionId)
      if (known === undefined || known.failures < failureThreshold) return true
      if (openFor(connectionId) > 0) return false
      slow.set(connectionId, { ...known, until: clock.now() + trialMs })
      return true
    },
    close: (connectionId) => void slow.delete(connectionId),
    fail(connectionId) {
      const failures = (slow.get(connectionId) ?? healthy).failures + 1
      const pause = Math.min(firstPauseMs * 2 ** Math.max(0, failures - failureThreshold), maxPauseMs)
      if (slow.size >= connectionsKept && !slow.has(connectionId)) dropOldest(slow)
      slow.set(connectionId, { failures, until: clock.now() + pause * (0.5 + clock.random() / 2), retries: new Map() })
    },
    awaitsRetry(connectionId, topic) {
      const { retries, until } = slow.get(connectionId) ?? healthy
      return (retries.get(topic) ?? 0) >= until
    },
    noteRetry(connectionId, topic, due) {
      const retries = slow.get(connectionId)?.retries
      if (retries === undefined) return
      if (retries.size >= retriesKept && !retries.has(topic)) dropOldest(retries)
      retries.set(topic, due)
    },
  }
}

const healthy: SlowConnection = { failures: 0, until: 0, retries: new Map() }

function dropOldest(known: Map<string, unknown>): void {
  const [oldest] = known.keys()
  if (oldest !== undefined) known.delete(oldest)
}
