import type { RateAddition } from '../../ports/rates.ts'
import { sha256 } from '../../ports/sha256.ts'

/** The primary key of an item. */
export interface Key {
  readonly pk: string
  readonly sk: string
}

/**
 * The sort key of a row that `pk` alone names. It sorts before every subscriber, whose connection id begins with a
 * letter or a digit.
 */
const only = '#'

/**
 * [TL-ROW-1] An event of a topic's log. Scripts write such rows too: `parseLogKey` of `ports/event-row.ts` validates
 * the key.
 */
export const logKey = (topic: string, offset: number): Key => ({ pk: `LOG#${topic}`, sk: formatOffset(offset) })

/** The receipt of an inline delivery. */
export const receiptKey = (topic: string, offset: number): Key => ({ pk: `SENT#${topic}`, sk: formatOffset(offset) })

/** A connection. */
export const connectionKey = (connectionId: string): Key => ({ pk: `CONN#${connectionId}`, sk: only })

/** What is counted for a connection: of its own key, so that a count costs one unit however large the connection's row is. */
export const countsKey = (connectionId: string): Key => ({ pk: `CONN#${connectionId}`, sk: 'COUNTS' })

/** The prefix of the sort keys of a connection's own rows of subscriptions. */
export const subscriptionPrefix = 'SUB#'

/** A connection's own row of a subscription; `id` is JSON text. */
export const subscriptionKey = (connectionId: string, id: string): Key => ({
  pk: `CONN#${connectionId}`,
  sk: `${subscriptionPrefix}${id}`,
})

interface SubscriberPlace {
  readonly topic: string
  readonly shard: number
  readonly connectionId: string
  readonly id: string
}

/** A topic's row of a subscription. */
export const subscriberKey = ({ topic, shard, connectionId, id }: SubscriberPlace): Key => ({
  pk: `SUBS#${topic}#${shard}`,
  sk: `${connectionId}#${id}`,
})

/** The row that holds a topic's number of shards. It is the first row of shard 0, so that the first page returns it. */
export const shardsKey = (topic: string): Key => ({ pk: `SUBS#${topic}#0`, sk: only })

/** The lease of a shard. */
export const shardLeaseKey = (topic: string, shard: number): Key => ({ pk: `TURN#${topic}#${shard}`, sk: only })

/** The places of one owner's runs. */
export const runPlacesKey = (owner: string): Key => ({ pk: `RUNS#${owner}`, sk: only })

/** A counter of a rate, in one window of time. */
export const rateKey = ({ owner, what, window }: Pick<RateAddition, 'owner' | 'what' | 'window'>): Key => ({
  pk: `RATE#${owner}`,
  sk: `${window}#${what}`,
})

/** An idempotency key of a mutation or a publish. Its text begins with its scope. */
export const keyRowKey = (key: string): Key => ({ pk: `IDEM#${key}`, sk: only })

/** A large message. */
export const uploadKey = (connectionId: string, message: string): Key => ({
  pk: `UPLOAD#${connectionId}#${message}`,
  sk: only,
})

/** A part of a large message. Each part has its own partition key: a partition takes only 1 MB of writes a second. */
export const partKey = (connectionId: string, message: string, part: number): Key => ({
  pk: `PART#${part}#${connectionId}#${message}`,
  sk: only,
})

/** The prefix of the sort keys of a topic's members. */
export const memberPrefix = 'M#'

/** A member of a presence topic. */
export const presenceKey = (topic: string, member: string): Key => ({ pk: `PRES#${topic}`, sk: memberPrefix + member })

/** The prefix of the sort keys of a topic's sessions. */
export const sessionPrefix = 'S#'

/** A session of a presence topic. */
export const presenceSessionKey = (topic: string, entry: string): Key => ({
  pk: `PRES#${topic}`,
  sk: sessionPrefix + entry,
})

/** When a presence topic is swept next. */
export const sweepKey = (topic: string): Key => ({ pk: `PRES#${topic}`, sk: only })

/** A principal can be longer than a key may be, and a key appears in logs. */
const hashOf = (principal: string) => sha256(principal).toString('base64url')

/** Leads from a principal to a connection, whose id begins with a letter or a digit. */
export const principalConnectionKey = (principal: string, connectionId: string): Key => ({
  pk: `WHO#${hashOf(principal)}`,
  sk: connectionId,
})

/** The prefix of the sort keys of a principal's restrictions. */
export const restrictionPrefix = '#'

/** A restriction of a principal, or of one of its sessions. */
export const restrictionKey = (principal: string, kind: string, session: string | undefined): Key => ({
  pk: `WHO#${hashOf(principal)}`,
  sk: `${restrictionPrefix}${kind}${session === undefined ? '' : `#${session}`}`,
})

/** When a stream was last poked. */
export const streamKey = (topic: string): Key => ({ pk: `STREAM#${topic}`, sk: only })

/** An input of a stream. */
export const streamInputKey = (topic: string, digest: string): Key => ({ pk: `STREAM#${topic}`, sk: `I#${digest}` })

/** The last sign of life of a claim of a stream. */
export const streamSignKey = (topic: string, claim: string): Key => ({ pk: `STREAM#${topic}`, sk: `A#${claim}` })

/** A ticket that was used. */
export const ticketKey = (id: string): Key => ({ pk: `TICKET#${id}`, sk: only })

/** An offset in 16 digits, as many as 2^53 − 1 has, so that the order of the texts is the order of the numbers. */
export function formatOffset(offset: number): string {
  return String(offset).padStart(16, '0')
}

/**
 * The connection and the id (JSON text) in a subscriber's sort key. A connection id has no `#`; an id may have some.
 */
export function parseSubscriberSortKey(sk: string): { readonly connectionId: string; readonly id: string } {
  const end = sk.indexOf('#')
  return { connectionId: sk.slice(0, end), id: sk.slice(end + 1) }
}
