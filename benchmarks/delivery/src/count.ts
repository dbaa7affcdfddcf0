import { type Healing, measureHealing } from './healing.ts'
import type { History, Receipt } from './history.ts'
import { toKey } from './settling.ts'

/** The counts of one contestant. */
export interface Counts {
  readonly sent: number
  readonly acknowledged: number
  /** How often the sent events are in the server's own log. */
  readonly effects: {
    readonly once: number
    readonly doubled: number
    readonly lost: number
    readonly lostAcknowledged: number
  }
  /** The events in the log times the subscribers. */
  readonly expected: number
  readonly delivered: number
  readonly lost: number
  /** Events that the application got again, from the wire or because they took effect twice. */
  readonly doubled: number
  /** Events that the application got after a later one of the same publisher. */
  readonly reordered: number
  /** The library's reports of lost events, counted by their text. */
  readonly signals: Readonly<Record<string, number>>
  readonly healing: Healing
  /** Deliveries to applications per second of publishing. */
  readonly deliveredPerSecond: number
  /** Messages in both directions, of subscribers and publishers, handshakes included. */
  readonly wireMessagesPerDelivery: number
}

/** Counts a history. This is a pure function. */
export function count(history: History): Counts {
  const { attempts, subscribers, messages } = history
  const inLog = tally(history.log.map(toKey))
  const perSubscriber = subscribers.map(({ receipts }) => countReceipts(receipts))
  const sum = (name: 'distinct' | 'doubled' | 'reordered') =>
    perSubscriber.reduce((total, counts) => total + counts[name], 0)
  const expected = inLog.size * subscribers.length
  const delivered = sum('distinct')
  const times = attempts.map(({ event, outcome }) => ({ times: inLog.get(toKey(event)) ?? 0, outcome }))
  return {
    sent: attempts.length,
    acknowledged: attempts.filter(({ outcome }) => outcome === 'acknowledged').length,
    effects: {
      once: times.filter(({ times }) => times === 1).length,
      doubled: times.filter(({ times }) => times > 1).length,
      lost: times.filter(({ times }) => times === 0).length,
      lostAcknowledged: times.filter(({ times, outcome }) => times === 0 && outcome === 'acknowledged').length,
    },
    expected,
    delivered,
    lost: expected - delivered,
    doubled: sum('doubled'),
    reordered: sum('reordered'),
    signals: Object.fromEntries(tally(subscribers.flatMap(({ signals }) => signals))),
    healing: measureHealing(history),
    deliveredPerSecond: delivered / ((history.endedAt - history.startedAt) / 1_000),
    wireMessagesPerDelivery: (messages.up + messages.down) / delivered,
  }
}

function countReceipts(receipts: readonly Receipt[]) {
  const seen = new Set<string>()
  const newest = new Map<number, number>()
  let reordered = 0
  for (const receipt of receipts) {
    if (seen.has(toKey(receipt))) continue
    seen.add(toKey(receipt))
    const before = newest.get(receipt.publisher) ?? 0
    if (receipt.n < before) reordered += 1
    newest.set(receipt.publisher, Math.max(before, receipt.n))
  }
  return { distinct: seen.size, doubled: receipts.length - seen.size, reordered }
}

function tally(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
