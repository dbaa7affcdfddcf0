import type { Store, Subscriber } from '../ports/store.ts'
import { fromSubscriberItem, toSubscriberItem } from './items.ts'
import { shardsKey, subscriberKey } from './keys.ts'
import type { Requests } from './requests.ts'

/** The topics' rows of subscriptions, and each topic's number of shards. */
export function subscriberOperations({
  get,
  put,
  update,
  remove,
  query,
}: Requests): Pick<
  Store,
  | 'putSubscriber'
  | 'readSubscriber'
  | 'stopSubscriber'
  | 'deleteSubscriber'
  | 'setSubscriberAuthExp'
  | 'readSubscribers'
  | 'growShards'
> {
  return {
    async putSubscriber(row) {
      const item = { ...toSubscriberItem(row), ...keyOf(row) }
      const write = await put(item, 'attribute_not_exists(#pk) OR #ref < :ref', { ref: row.ref })
      if (write.written) return 'put'
      const standing = await write.standing()
      return standing.ref === row.ref && standing.on === true ? 'put' : 'newer'
    },
    async readSubscriber(topic, shard, connectionId, id) {
      const item = await get(subscriberKey(topic, shard, connectionId, id))
      return item && fromSubscriberItem(topic, shard, item)
    },
    async stopSubscriber({ ref, expires, ...row }) {
      const write = await update(keyOf(row), {
        expression: 'SET #ref = :ref, #on = :on, #expires = :expires',
        condition: 'attribute_not_exists(#pk) OR #ref <= :ref',
        values: { ref, on: false, expires },
      })
      return write.written ? 'stopped' : 'newer'
    },
    async deleteSubscriber({ ref, ...row }) {
      await remove(keyOf(row), '#ref <= :ref', { ref })
    },
    async setSubscriberAuthExp({ ref, authExp, ...row }) {
      const expression = authExp === undefined ? 'REMOVE #authExp' : 'SET #authExp = :authExp'
      await update(keyOf(row), { expression, condition: '#ref = :ref', values: { ref, authExp } })
    },

    async readSubscribers(topic, shard, { limit = Number.POSITIVE_INFINITY, from } = {}) {
      const { pk } = subscriberKey(topic, shard, '', '')
      const brings = shard === 0 && from === undefined
      const { items, last } = await query(
        '#pk = :pk',
        { pk, on: true },
        {
          filter: '#on = :on OR attribute_exists(#shards)',
          ...(limit < Number.POSITIVE_INFINITY && { Limit: brings ? limit + 1 : limit }),
          ...(from !== undefined && { ExclusiveStartKey: { pk, sk: from } }),
        },
      )
      const shards = items.find((item) => item.shards !== undefined)?.shards
      const rows = items.filter((item) => item.shards === undefined)
      // Room was asked for the row of K too; where none stands, one subscriber too many came.
      const next = rows.length > limit ? rows[limit - 1]?.sk : last?.sk
      return {
        subscribers: rows.slice(0, limit).map((item) => fromSubscriberItem(topic, shard, item)),
        ...(next !== undefined && { next: String(next) }),
        ...(brings && { shards: Number(shards ?? 1) }),
      }
    },
    async growShards(topic, from, to) {
      if (to <= from) return
      const condition = from === 1 ? 'attribute_not_exists(#shards) OR #shards = :from' : '#shards = :from'
      await update(shardsKey(topic), { expression: 'SET #shards = :to', condition, values: { from, to } })
    },
  }
}

const keyOf = ({ topic, shard, connectionId, id }: Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id'>) =>
  subscriberKey(topic, shard, connectionId, id)
