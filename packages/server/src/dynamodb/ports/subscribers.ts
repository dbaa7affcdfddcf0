import { defined } from '@trunkline/protocol'
import type { DeliveryLock, SubscriberStore } from '../../ports/subscribers.ts'
import { fromSubscriberItem, type Item, toSubscriberItem } from '../requests/items.ts'
import { shardsKey, subscriberKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of the topics' rows of subscriptions in the table. */
export function subscriberOperations(requests: Requests): SubscriberStore {
  return { ...rowOperations(requests), ...lockOperations(requests), ...shardOperations(requests) }
}

type LockOperation = 'acquireDeliveryLock' | 'requestOffset' | 'releaseDeliveryLock'
type ShardOperation = 'readSubscribers' | 'growShards'

/** Single rows, without their locks. */
function rowOperations({
  get,
  put,
  update,
  remove,
  queryAll,
}: Requests): Omit<SubscriberStore, LockOperation | ShardOperation> {
  return {
    async putSubscriber(row) {
      const item = { ...toSubscriberItem(row), ...subscriberKey(row) }
      const write = await put(item, 'attribute_not_exists(#pk) OR #ref < :ref', { ref: row.ref })
      if (write.written) return 'put'
      const existing = await write.existing()
      const own = row.lock === undefined || holderOf(existing) === row.lock.by
      return existing.ref === row.ref && existing.on === true && own ? 'put' : 'newer'
    },
    async readSubscriber(row) {
      const item = await get(subscriberKey(row))
      return item && fromSubscriberItem(row.topic, row.shard, item)
    },
    async readSubscribersOf({ topic, shard, connectionId }) {
      const { pk, sk: prefix } = subscriberKey({ topic, shard, connectionId, id: '' })
      const items = await queryAll(
        '#pk = :pk AND begins_with(#sk, :prefix)',
        { pk, prefix, on: true },
        { filter: '#on = :on' },
      )
      return items.map((item) => fromSubscriberItem(topic, shard, item))
    },
    async stopSubscriber({ ref, expires, ...row }) {
      const write = await update(subscriberKey(row), {
        expression: 'SET #ref = :ref, #on = :on, #expires = :expires REMOVE #input, #piped',
        condition: 'attribute_not_exists(#pk) OR #ref <= :ref',
        values: { ref, on: false, expires },
      })
      return write.written ? 'stopped' : 'newer'
    },
    async deleteSubscriber({ ref, ...row }) {
      await remove(subscriberKey(row), '#ref <= :ref', { ref })
    },
    async setSubscriberAuthExp({ ref, authExp, ...row }) {
      await update(subscriberKey(row), {
        expression: 'SET #authExp = :authExp',
        condition: '#ref = :ref AND #authExp < :authExp',
        values: { ref, authExp },
      })
    },
    async setSubscriberClaims({ ref, claims, renewedAt, ...row }) {
      const isNewer = '(attribute_not_exists(#piped.#renewedAt) OR #piped.#renewedAt < :renewedAt)'
      await update(subscriberKey(row), {
        expression: 'SET #piped.#claims = :claims, #piped.#renewedAt = :renewedAt',
        condition: `#ref = :ref AND attribute_exists(#piped) AND ${isNewer}`,
        values: { ref, claims, renewedAt },
      })
    },
  }
}

/** The locks of stock clients' rows. */
function lockOperations({ update }: Requests): Pick<SubscriberStore, LockOperation> {
  return {
    async acquireDeliveryLock({ ref, ...row }, lock) {
      const write = await update(subscriberKey(row), {
        expression: 'SET #lock = :lock',
        condition: '#ref = :ref AND #on = :on AND attribute_not_exists(#lock)',
        values: { ref, on: true, lock },
        returnsItem: true,
      })
      const item = write.written ? write.item : await write.find()
      if (item === undefined || item.ref !== ref || item.on !== true) return { status: 'off' }
      const existing = fromSubscriberItem(row.topic, row.shard, item)
      return { status: write.written || holderOf(item) === lock.by ? 'locked' : 'held', row: existing }
    },
    async requestOffset({ ref, ...row }, offset) {
      const write = await update(subscriberKey(row), {
        expression: 'SET #want = :want',
        condition:
          '#ref = :ref AND #on = :on AND attribute_exists(#lock) AND (attribute_not_exists(#want) OR #want < :want)',
        values: { ref, on: true, want: offset },
      })
      if (write.written) return 'requested'
      const item = await write.find()
      if (item === undefined || item.ref !== ref || item.on !== true) return 'off'
      return item.lock === undefined ? 'free' : 'requested'
    },
    async releaseDeliveryLock({ ref, ...row }, { by, at, unless }) {
      const notBeyond = unless === undefined ? '' : ' AND (attribute_not_exists(#want) OR #want <= :unless)'
      const write = await update(subscriberKey(row), {
        expression: `${at === undefined ? '' : 'SET #at = :at '}REMOVE #lock, #want`,
        condition: `#ref = :ref AND #lock.#by = :by${notBeyond}`,
        values: { ref, by, at, unless },
      })
      if (write.written) return 'freed'
      const item = await write.find()
      if (item?.ref !== ref) return 'lost'
      if (holderOf(item) === by) return 'requested'
      return item.lock === undefined && item.at === at ? 'freed' : 'lost'
    },
  }
}

/** The pages of a shard, and the number of shards. */
function shardOperations({ update, query }: Requests): Pick<SubscriberStore, ShardOperation> {
  return {
    async readSubscribers(topic, shard, { limit, from } = {}) {
      const { pk } = subscriberKey({ topic, shard, connectionId: '', id: '' })
      const isFirst = shard === 0 && from === undefined
      const { items, last } = await query(
        '#pk = :pk',
        { pk, on: true },
        {
          filter: '#on = :on OR attribute_exists(#shards)',
          ...defined({
            Limit: limit === undefined ? undefined : limit + (isFirst ? 1 : 0),
            ExclusiveStartKey: from === undefined ? undefined : { pk, sk: from },
          }),
        },
      )
      const shards = items.find((item) => item.shards !== undefined)?.shards
      const rows = items.filter((item) => item.shards === undefined)
      // The request's limit has room for the row of the shard count. Without it, one subscriber too many came.
      const next = limit !== undefined && rows.length > limit ? rows[limit - 1]?.sk : last?.sk
      return {
        subscribers: rows.slice(0, limit).map((item) => fromSubscriberItem(topic, shard, item)),
        ...defined({
          next: next === undefined ? undefined : String(next),
          shards: isFirst ? Number(shards ?? 1) : undefined,
        }),
      }
    },
    async growShards(topic, from, to) {
      if (to <= from) return
      const condition = from === 1 ? 'attribute_not_exists(#shards) OR #shards = :from' : '#shards = :from'
      await update(shardsKey(topic), { expression: 'SET #shards = :to', condition, values: { from, to } })
    },
  }
}

const holderOf = (item: Item) => (item.lock as DeliveryLock | undefined)?.by
