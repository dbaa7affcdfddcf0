import type { Cut, History, SubscriberHistory } from './history.ts'
import { toKey } from './settling.ts'

/** How long subscribers missed events, over all cuts, in milliseconds. */
export interface Healing {
  /** Cuts of an open connection. */
  readonly cuts: number
  /** From a cut to the first event on a later connection. */
  readonly firstEvent: Spread
  /** From a cut until no event is missing that was published between the previous cut and that first event. */
  readonly nothingMissing: Spread
}

/** Percentiles in milliseconds. Null means never. */
export interface Spread {
  readonly p50: number | null
  readonly p99: number | null
  readonly longest: number | null
  /** Cuts after which it never happened. */
  readonly never: number
}

/**
 * Measures all cuts of all subscribers. A cut near the end may have no later event; it counts as healed if no event is
 * missing.
 */
export function measureHealing(history: History): Healing {
  const log = new Set(history.log.map(toKey))
  const sent = history.attempts
    .map(({ event, sentAt }) => ({ key: toKey(event), sentAt }))
    .filter(({ key }) => log.has(key))
  const measured = history.subscribers.flatMap((subscriber) => measureSubscriber(subscriber, sent))
  return {
    cuts: measured.length,
    firstEvent: spread(measured.map(({ first }) => first)),
    nothingMissing: spread(measured.map(({ whole }) => whole)),
  }
}

interface Sent {
  readonly key: string
  readonly sentAt: number
}
/** Undefined when no later event was published; Infinity when an event never arrived. */
interface Measured {
  readonly first: number | undefined
  readonly whole: number | undefined
}

// 1 s from a connection to its subscription: events in this time may be missed, and do not count as first
const subscribeMs = 1_000

function measureSubscriber({ receipts, cuts }: SubscriberHistory, sent: readonly Sent[]): Measured[] {
  const receivedAt = new Map<string, number>()
  for (const receipt of receipts) {
    if (!receivedAt.has(toKey(receipt))) receivedAt.set(toKey(receipt), receipt.at)
  }
  const firstAfter = (cut: Cut) => {
    const { backAt } = cut
    return backAt === undefined ? undefined : receipts.find(({ at }) => at >= backAt)?.at
  }
  return cuts.map((cut, index) => {
    const since = cuts[index - 1]?.at ?? 0
    const first = firstAfter(cut)
    const due = sent.filter(({ sentAt }) => sentAt >= since && sentAt <= (first ?? Number.POSITIVE_INFINITY))
    const arrivals = due.map(({ key }) => receivedAt.get(key) ?? Number.POSITIVE_INFINITY)
    const whole = arrivals.reduce((latest, at) => Math.max(latest, at), first ?? cut.at)
    if (first !== undefined) return { first: first - cut.at, whole: whole - cut.at }
    const owedSince = (cut.backAt ?? cut.at) + subscribeMs
    return {
      first: sent.some(({ sentAt }) => sentAt > owedSince) ? Number.POSITIVE_INFINITY : undefined,
      whole: arrivals.includes(Number.POSITIVE_INFINITY) ? Number.POSITIVE_INFINITY : undefined,
    }
  })
}

/** An event that never arrived counts as the longest time, so that no percentile hides it. */
function spread(values: readonly (number | undefined)[]): Spread {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  const at = (share: number) => toFinite(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)])
  return {
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    never: sorted.filter((value) => !Number.isFinite(value)).length,
  }
}

function toFinite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}
