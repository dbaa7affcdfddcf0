import type { Subscriber, SubscriberRef } from '../ports/store.ts'
import { child } from './log.ts'
import type { Operations } from './operations.ts'

/** A page where the caller names no limit; small, so that callers meet second pages. */
const pageRows = 1_000

/** The topics' rows of subscriptions, and each topic's number of shards. */
export function createSubscribers() {
  const shards = new Map<string, Map<string, Subscriber>>()
  const shardCounts = new Map<string, number>()
  const shardsOf = (topic: string) => shardCounts.get(topic) ?? 1
  const rowsOf = ({ topic, shard }: Pick<Subscriber, 'topic' | 'shard'>) => child(shards, `${topic}#${shard}`)
  const standingOf = (row: SubscriberRef) => {
    const standing = rowsOf(row).get(keyOf(row))
    return standing?.ref === row.ref ? standing : undefined
  }

  const operations: Operations<
    | 'putSubscriber'
    | 'readSubscriber'
    | 'readSubscribersOf'
    | 'stopSubscriber'
    | 'deleteSubscriber'
    | 'setSubscriberAuthExp'
    | 'lockChain'
    | 'requestOffset'
    | 'freeChain'
    | 'readSubscribers'
    | 'growShards'
  > = {
    putSubscriber(row) {
      const standing = rowsOf(row).get(keyOf(row))
      if (standing !== undefined && standing.ref >= row.ref)
        return standing.ref === row.ref && standing.on && isOwn(row, standing) ? 'put' : 'newer'
      rowsOf(row).set(keyOf(row), row)
      return 'put'
    },
    readSubscriber: (topic, shard, connectionId, id) => rowsOf({ topic, shard }).get(keyOf({ connectionId, id })),
    readSubscribersOf({ connectionId, ...place }) {
      return [...rowsOf(place).values()].filter((row) => row.on && row.connectionId === connectionId)
    },
    stopSubscriber({ topic, shard, connectionId, id, ref, expires }) {
      const rows = rowsOf({ topic, shard })
      const key = keyOf({ connectionId, id })
      const standing = rows.get(key)
      if (standing !== undefined && standing.ref > ref) return 'newer'
      const {
        input: _,
        piped: __,
        ...row
      } = standing ?? { topic, shard, connectionId, id, path: '', extensions: false }
      rows.set(key, { ...row, ref, on: false, expires })
      return 'stopped'
    },
    deleteSubscriber(row) {
      const standing = rowsOf(row).get(keyOf(row))
      if (standing !== undefined && standing.ref <= row.ref) rowsOf(row).delete(keyOf(row))
    },
    setSubscriberAuthExp({ authExp, ...row }) {
      const standing = rowsOf(row).get(keyOf(row))
      if (standing?.ref !== row.ref) return
      const { authExp: _, ...rest } = standing
      rowsOf(row).set(keyOf(row), authExp === undefined ? rest : { ...rest, authExp })
    },
    lockChain(row, lock) {
      const standing = standingOf(row)
      if (!standing?.on) return { status: 'off' }
      if (standing.lock !== undefined)
        return { status: standing.lock.by === lock.by ? 'locked' : 'held', row: standing }
      const locked = { ...standing, lock }
      rowsOf(row).set(keyOf(row), locked)
      return { status: 'locked', row: locked }
    },
    requestOffset(row, offset) {
      const standing = standingOf(row)
      if (!standing?.on) return 'off'
      if (standing.lock === undefined) return 'free'
      if ((standing.want ?? -1) < offset) rowsOf(row).set(keyOf(row), { ...standing, want: offset })
      return 'wanted'
    },
    freeChain(row, { by, at, unless = Number.POSITIVE_INFINITY }) {
      const standing = standingOf(row)
      if (standing?.lock?.by !== by) return standing && !standing.lock && standing.at === at ? 'freed' : 'lost'
      if ((standing.want ?? 0) > unless) return 'wanted'
      const { lock: _, want: __, ...rest } = standing
      rowsOf(row).set(keyOf(row), at === undefined ? rest : { ...rest, at })
      return 'freed'
    },
    readSubscribers(topic, shard, { limit = pageRows, from = '' } = {}) {
      const rows = rowsOf({ topic, shard })
      const keys = [...rows.keys()].filter((key) => key > from).sort()
      const page = keys.slice(0, limit)
      const next = page.at(-1)
      return {
        // Stopped rows fall out after the page was cut, as a table does it: a page may be short, or empty, and have a next.
        subscribers: page.map((key) => rows.get(key)).filter((row) => row?.on === true) as Subscriber[],
        ...(next !== undefined && keys.length > limit && { next }),
        ...(shard === 0 && from === '' && { shards: shardsOf(topic) }),
      }
    },
    growShards(topic, from, to) {
      if (to > from && shardsOf(topic) === from) shardCounts.set(topic, to)
    },
  }
  return { operations, shardsOf, tables: () => [...shards.values()] }
}

/** A row that came with a lock was put by its holder. */
const isOwn = (row: Subscriber, standing: Subscriber) => row.lock === undefined || row.lock.by === standing.lock?.by

const keyOf = ({ connectionId, id }: Pick<Subscriber, 'connectionId' | 'id'>) => `${connectionId}#${id}`
