/** Where an item stands in the table. */
export interface Key {
  readonly pk: string
  readonly sk: string
}

/** The second part of a row's name where the first one says it all. It sorts before every subscriber, whose connection id begins with a letter or a digit. */
const only = '#'

/** [TL-ROW-1] An event of a topic's log. Scripts write such rows too: `parseLogKey` of `ports/event-row.ts` reads the key, and tells which is none. */
export const logKey = (topic: string, offset: number): Key => ({ pk: `LOG#${topic}`, sk: formatOffset(offset) })

/** A topic's receipt of an inline delivery. */
export const receiptKey = (topic: string, offset: number): Key => ({ pk: `SENT#${topic}`, sk: formatOffset(offset) })

/** A connection. */
export const connectionKey = (connectionId: string): Key => ({ pk: `CONN#${connectionId}`, sk: only })

/** What the sort keys of a connection's own rows of subscriptions begin with. */
export const subscriptionPrefix = 'SUB#'

/** A connection's own row of a subscription; `id` is JSON text. */
export const subscriptionKey = (connectionId: string, id: string): Key => ({
  pk: `CONN#${connectionId}`,
  sk: `${subscriptionPrefix}${id}`,
})

/** A topic's row of a subscription. */
export const subscriberKey = (topic: string, shard: number, connectionId: string, id: string): Key => ({
  pk: `SUBS#${topic}#${shard}`,
  sk: `${connectionId}#${id}`,
})

/** The row that holds a topic's number of shards: the first one of shard 0, so that the first page brings it. */
export const shardsKey = (topic: string): Key => ({ pk: `SUBS#${topic}#0`, sk: only })

/** Whose turn it is to deliver a shard of a topic. */
export const shardLeaseKey = (topic: string, shard: number): Key => ({ pk: `TURN#${topic}#${shard}`, sk: only })

/** What stands under a key of a mutation or a publish; the key's text already begins with its scope. */
export const keyRowKey = (key: string): Key => ({ pk: `IDEM#${key}`, sk: only })

/** A message that comes in chunks. */
export const uploadKey = (connectionId: string, message: string): Key => ({
  pk: `UPLOAD#${connectionId}#${message}`,
  sk: only,
})

/** One part of it. Each under a key of its own: a megabyte under one key would be a second of all that a partition takes. */
export const partKey = (connectionId: string, message: string, part: number): Key => ({
  pk: `PART#${part}#${connectionId}#${message}`,
  sk: only,
})
/** What the sort keys of a topic's members begin with. */
export const memberPrefix = 'M#'

/** A member of a presence topic. */
export const presenceKey = (topic: string, member: string): Key => ({ pk: `PRES#${topic}`, sk: memberPrefix + member })

/** When the leases of a presence topic are looked through next. */
export const sweepKey = (topic: string): Key => ({ pk: `PRES#${topic}`, sk: only })

/** An offset in 16 digits: 2^53 − 1 has as many, so that the order of texts is the order of numbers. */
export function formatOffset(offset: number): string {
  return String(offset).padStart(16, '0')
}

/** The connection and the id (JSON text) of a subscriber's sort key. A connection id has no `#`; an id may. */
export function parseSubscriberSortKey(sk: string): { readonly connectionId: string; readonly id: string } {
  const end = sk.indexOf('#')
  return { connectionId: sk.slice(0, end), id: sk.slice(end + 1) }
}
