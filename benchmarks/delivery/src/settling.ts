import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from './contestant.ts'
import type { SubscriberHistory } from './history.ts'

const idleMs = 5_000 // 5 s: a reconnected client without an event for so long will get no more events
const echoMs = 500 // 0.5 s for duplicates

/**
 * Waits until every subscriber has the whole log, or until all are reconnected and idle, or until the time limit of all
 * contestants.
 */
export async function settle(
  log: readonly Event[],
  subscribers: readonly SubscriberHistory[],
  longestMs: number,
): Promise<void> {
  const begunAt = performance.now()
  const expected = new Set(log.map(toKey)).size
  const isWhole = ({ receipts }: SubscriberHistory) => new Set(receipts.map(toKey)).size >= expected
  const isIdle = ({ receipts, cuts }: SubscriberHistory) => {
    const last = cuts.at(-1)
    if (last !== undefined && last.backAt === undefined) return false
    return performance.now() > Math.max(begunAt, last?.backAt ?? 0, receipts.at(-1)?.at ?? 0) + idleMs
  }
  while (performance.now() < begunAt + longestMs && !subscribers.every(isWhole) && !subscribers.every(isIdle))
    await sleep(100)
  await sleep(echoMs)
}

/** The key of an event of the run. */
export function toKey({ publisher, n }: Pick<Event, 'publisher' | 'n'>): string {
  return `${publisher}:${n}`
}
