import type { Subscriber, SubscriberRef, SubscriberStore } from '../ports/subscribers.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'

const pageRows = 1_000 // a page without a limit; small, so that tests meet second pages

/** The port of the topics' rows of subscriptions in memory. */
export function createSubscribers() {
  const shards = new Map<string, Map<string, Subscriber>>()
  const shardCounts = new Map<string, number>()
  const shardsOf = (topic: string) => shardCounts.get(topic) ?? 1
  const rowsOf = ({ topic, shard }: Pick<Subscriber, 'topic' | 'shard'>) => child(shards, `${topic}#${shard}`)

  const operations: Operations<keyof SubscriberStore> = {
    ...lockOperations(rowsOf),
    putSubscriber(row) {
      const existing = rowsOf(row).get(keyOf(row))
      if (existing !== undefined && existing.ref >= row.ref)
        return existing.ref === row.ref && existing.on && isOwn(row, existing) ? 'put' : 'newer'
      rowsOf(row).set(keyOf(row), row)
      return 'put'
    },
    readSubscriber: (row) => rowsOf(row).get(keyOf(row)),
    readSubscribersOf({ connectionId, ...place }) {
      return [...rowsOf(place).values()].filter((row) => row.on && row.connectionId === connectionId)
    },
    stopSubscriber({ topic, shard, connectionId, id, ref, expires }) {
      const rows = rowsOf({ topic, shard })
      const key = keyOf({ connectionId, id })
      const existing = rows.get(key)
      if (existing !== undefined && existing.ref > ref) return 'newer'
      const {
        input: _,
        piped: __,
        ...row
      } = existing ?? { topic, shard, connectionId, id, path: '', extensions: false }
      rows.set(key, { ...row, ref, on: false, expires })
      return 'stopped'
    },
    deleteSubscriber(row) {
      const existing = rowsOf(row).get(keyOf(row))
      if (existing !== undefined && existing.ref <= row.ref) rowsOf(row).delete(keyOf(row))
    },
    setSubscriberAuthExp({ authExp, ...row }) {
      const existing = rowsOf(row).get(keyOf(row))
      if (existing?.ref !== row.ref || existing.authExp === undefined || existing.authExp >= authExp) return
      rowsOf(row).set(keyOf(row), { ...existing, authExp })
    },
    setSubscriberClaims({ claims, renewedAt, ...row }) {
      const existing = rowsOf(row).get(keyOf(row))
      if (existing?.ref !== row.ref || existing.piped === undefined) return
      if ((existing.piped.renewedAt ?? Number.NEGATIVE_INFINITY) >= renewedAt) return
      rowsOf(row).set(keyOf(row), { ...existing, piped: { ...existing.piped, claims, renewedAt } })
    },
    readSubscribers(topic, shard, { limit = pageRows, from = '' } = {}) {
      const rows = rowsOf({ topic, shard })
      const keys = [...rows.keys()].filter((key) => key > from).sort()
      const page = keys.slice(0, limit)
      const next = page.at(-1)
      return {
        // Stopped rows are left out after the page was cut, as DynamoDB does it: a page may be short and have a `next`.
        subscribers: page.flatMap((key) => rows.get(key) ?? []).filter((row) => row.on),
        ...(next !== undefined && keys.length > limit && { next }),
        ...(shard === 0 && from === '' && { shards: shardsOf(topic) }),
      }
    },
    growShards(topic, from, to) {
      if (to > from && shardsOf(topic) === from) shardCounts.set(topic, to)
    },
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpiredIn(shards, isDue)
  return { operations, shards, shardsOf, deleteExpired: dropExpired }
}

type LockOperation = 'acquireDeliveryLock' | 'requestOffset' | 'releaseDeliveryLock'

/** The locks of stock clients' rows. */
function lockOperations(
  rowsOf: (place: Pick<Subscriber, 'topic' | 'shard'>) => Map<string, Subscriber>,
): Operations<LockOperation> {
  const rowOfRef = (row: SubscriberRef) => {
    const existing = rowsOf(row).get(keyOf(row))
    return existing?.ref === row.ref ? existing : undefined
  }
  return {
    acquireDeliveryLock(row, lock) {
      const existing = rowOfRef(row)
      if (!existing?.on) return { status: 'off' }
      if (existing.lock !== undefined)
        return { status: existing.lock.by === lock.by ? 'locked' : 'held', row: existing }
      const locked = { ...existing, lock }
      rowsOf(row).set(keyOf(row), locked)
      return { status: 'locked', row: locked }
    },
    requestOffset(row, offset) {
      const existing = rowOfRef(row)
      if (!existing?.on) return 'off'
      if (existing.lock === undefined) return 'free'
      if ((existing.want ?? -1) < offset) rowsOf(row).set(keyOf(row), { ...existing, want: offset })
      return 'requested'
    },
    releaseDeliveryLock(row, { by, at, unless = Number.POSITIVE_INFINITY }) {
      const existing = rowOfRef(row)
      if (existing?.lock?.by !== by) return existing && !existing.lock && existing.at === at ? 'freed' : 'lost'
      if ((existing.want ?? 0) > unless) return 'requested'
      const { lock: _, want: __, ...rest } = existing
      rowsOf(row).set(keyOf(row), at === undefined ? rest : { ...rest, at })
      return 'freed'
    },
  }
}

/** A row with a lock was put by the holder of the lock. */
const isOwn = (row: Subscriber, existing: Subscriber) => row.lock === undefined || row.lock.by === existing.lock?.by

const keyOf = ({ connectionId, id }: Pick<Subscriber, 'connectionId' | 'id'>) => `${connectionId}#${id}`
