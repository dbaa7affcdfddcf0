import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from './contestant.ts'
import type { SubscriberHistory } from './history.ts'

const idleMs = 5_000 // a client that is back for so long and hears nothing will hear nothing more
const echoMs = 500 // for what may come twice

/**
 * Waits until every subscriber has the whole log; or is connected again and nothing has come for a while; or until the time
 * that all contestants are given is over.
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

/** Names an event of the run. */
export function toKey({ publisher, n }: Pick<Event, 'publisher' | 'n'>): string {
  return `${publisher}:${n}`
}
