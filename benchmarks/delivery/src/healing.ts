import type { Cut, History, SubscriberHistory } from './history.ts'
import { toKey } from './settling.ts'

/** How long subscribers were without, over all cuts. Milliseconds. */
export interface Healing {
  /** Cuts that found a connection. */
  readonly cuts: number
  /** From a cut to the first event on a connection made after it. */
  readonly firstEvent: Spread
  /** From a cut until nothing is missing of what was published since the cut before and up to that first event. */
  readonly nothingMissing: Spread
}

/** Null stands for never. */
export interface Spread {
  readonly p50: number | null
  readonly p99: number | null
  readonly longest: number | null
  /** Cuts for which it never came. */
  readonly never: number
}

/** Measures every cut of every subscriber. A cut near the end may have no later event to come: it is whole if nothing is missing at all. */
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
/** Undefined when nothing more was published that could have come; Infinity when it never came. */
interface Measured {
  readonly first: number | undefined
  readonly whole: number | undefined
}

const subscribeMs = 1_000 // from a connection to a subscription: what is published meanwhile may be missed, but is no first event

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

/** What never came is longer than all that came, so no percentile hides it. */
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
