import type { ConnectionSubscription, Store } from '../../ports/store.ts'
import { fromConnectionItem, fromSubscriptionItem, type Item, toConnectionItem } from '../requests/items.ts'
import { connectionKey, type Key, shardsKey, subscriptionKey, subscriptionPrefix } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** Connections and their own rows of subscriptions. */
export function connectionOperations({
  get,
  getMany,
  put,
  update,
  query,
}: Requests): Pick<
  Store,
  | 'putConnection'
  | 'readConnection'
  | 'readConnectionAndShards'
  | 'closeConnection'
  | 'putConnectionParams'
  | 'renewConnection'
  | 'claimSubscription'
  | 'stopSubscription'
  | 'claimRun'
  | 'passRun'
  | 'readSubscription'
  | 'readSubscriptions'
> {
  return {
    async putConnection(row) {
      const item = { ...toConnectionItem(row), ...connectionKey(row.connectionId) }
      const write = await put(item, 'attribute_not_exists(#pk)')
      if (write.written) return 'put'
      // A connection id is never used twice, so an open row of the same session is one's own, its answer lost.
      const standing = fromConnectionItem(row.connectionId, await write.standing())
      return standing.state === 'OPEN' && standing.session === row.session ? 'put' : 'exists'
    },
    async readConnection(connectionId) {
      const item = await get(connectionKey(connectionId))
      return item && fromConnectionItem(connectionId, item)
    },
    async readConnectionAndShards(connectionId, topic) {
      const [own, hint] = [connectionKey(connectionId), shardsKey(topic)]
      const found = await getMany([own, hint], { hint })
      const item = found.get(own)
      return {
        ...(item && { connection: fromConnectionItem(connectionId, item) }),
        ...(!found.isLeft(hint) && { shards: Number(found.get(hint)?.shards ?? 1) }),
      }
    },
    async closeConnection(connectionId, expires) {
      await update(connectionKey(connectionId), {
        expression: 'SET #state = :closed, #expires = :expires',
        values: { closed: 'CLOSED', expires },
      })
    },
    async putConnectionParams(connectionId, connectionParams) {
      const write = await update(connectionKey(connectionId), {
        expression: 'SET #connectionParams = :params',
        condition: '#state = :open AND (attribute_not_exists(#connectionParams) OR #connectionParams = :params)',
        values: { open: 'OPEN', params: connectionParams },
      })
      if (write.written) return 'stored'
      return (await write.find())?.state === 'OPEN' ? 'exists' : 'absent'
    },
    async renewConnection(connectionId, { authExp, claims }) {
      const write = await update(connectionKey(connectionId), {
        expression: 'SET #authExp = :authExp, #claims = :claims',
        condition: '#state = :open',
        values: { authExp, claims, open: 'OPEN' },
      })
      return write.written ? 'renewed' : 'absent'
    },

    async claimSubscription({ connectionId, id, ...claim }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: `SET #ref = :ref, #on = :on, #topic = :topic, #expires = :expires, #shard = if_not_exists(#shard, :shard)${
          claim.seat === undefined ? ' REMOVE #seat' : ', #seat = :seat'
        }`,
        condition: 'attribute_not_exists(#pk) OR (#ref < :ref AND (attribute_not_exists(#topic) OR #topic = :topic))',
        values: { ...claim, on: true },
        whole: true,
      })
      const item = write.written ? write.item : await write.standing()
      const row = fromSubscriptionItem(connectionId, item)
      const own = row.on && row.ref === claim.ref && row.topic === claim.topic && row.shard !== undefined
      if (!own) return { status: 'refused', row }
      // Met in the first try, the claim is an earlier call's; in a later one it may be this call's, its answer lost.
      return { status: 'claimed', shard: row.shard ?? claim.shard, repeated: !write.written && write.tries === 1 }
    },
    async stopSubscription({ connectionId, id, ref, expires }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: 'SET #ref = :ref, #on = :on, #expires = :expires',
        condition: 'attribute_not_exists(#pk) OR #ref <= :ref',
        values: { ref, on: false, expires },
        whole: true,
      })
      const item = write.written ? write.item : await write.standing()
      const row = fromSubscriptionItem(connectionId, item)
      return { status: write.written ? 'stopped' : 'newer', row }
    },
    async claimRun({ connectionId, id, ...claim }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: 'SET #ref = :ref, #on = :on, #run = :run, #lease = :lease, #expires = :expires',
        condition: 'attribute_not_exists(#pk) OR (#ref < :ref AND attribute_not_exists(#topic))',
        values: { ...claim, on: true },
        whole: true,
      })
      const row = fromSubscriptionItem(connectionId, write.written ? write.item : await write.standing())
      return { status: isUnderRun(row, claim) ? 'claimed' : 'refused', row }
    },
    async passRun({ connectionId, id, ref, from, run, lease }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: 'SET #run = :run, #lease = :lease',
        condition: '#on = :on AND #ref = :ref AND #run = :from',
        values: { on: true, ref, from, run, lease },
        whole: true,
      })
      const item = write.written ? write.item : await write.find()
      const row = item && fromSubscriptionItem(connectionId, item)
      return { status: row && isUnderRun(row, { ref, run }) ? 'passed' : 'refused', row }
    },
    async readSubscription(connectionId, id) {
      const item = await get(subscriptionKey(connectionId, id))
      return item && fromSubscriptionItem(connectionId, item)
    },
    async readSubscriptions(connectionId) {
      const values = { pk: connectionKey(connectionId).pk, prefix: subscriptionPrefix }
      const rows: Item[] = []
      for (let from: Key | undefined, more = true; more; more = from !== undefined) {
        const page = await query('#pk = :pk AND begins_with(#sk, :prefix)', values, from && { ExclusiveStartKey: from })
        rows.push(...page.items)
        from = page.last
      }
      return rows.map((item) => fromSubscriptionItem(connectionId, item))
    },
  }
}

function isUnderRun(row: ConnectionSubscription, { ref, run }: Pick<ConnectionSubscription, 'ref' | 'run'>): boolean {
  return row.on && row.ref === ref && row.run === run
}
