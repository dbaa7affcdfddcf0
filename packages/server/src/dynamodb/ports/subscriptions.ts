import { defined } from '@trunkline/protocol'
import type { EventRow } from '../../ports/event-row.ts'
import type { Slot } from '../../ports/log.ts'
import type { ConnectionSubscription, SubscriptionStore } from '../../ports/subscriptions.ts'
import { fromSubscriberItem, fromSubscriptionItem, type Item } from '../requests/items.ts'
import { connectionKey, logKey, subscriberKey, subscriptionKey, subscriptionPrefix } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of the connections' rows of subscriptions in the table. */
export function subscriptionOperations(
  { get, getMany, update, queryAll }: Requests,
  readSlot: (row: EventRow) => Slot | undefined,
): SubscriptionStore {
  return {
    async claimSubscription({ connectionId, id, ...claim }) {
      const optional = ['seat', 'claims', 'polled'] as const
      const set = optional.filter((name) => claim[name] !== undefined).map((name) => `, #${name} = :${name}`)
      const unset = optional.filter((name) => claim[name] === undefined).map((name) => `#${name}`)
      const rest = `${set.join('')}${unset.length === 0 ? '' : ` REMOVE ${unset.join(', ')}`}`
      const write = await update(subscriptionKey(connectionId, id), {
        expression: `SET #ref = :ref, #on = :on, #topic = :topic, #expires = :expires, #shard = if_not_exists(#shard, :shard)${rest}`,
        condition: 'attribute_not_exists(#pk) OR (#ref < :ref AND (attribute_not_exists(#topic) OR #topic = :topic))',
        values: { ...claim, on: true },
        returnsItem: 'before',
      })
      if (write.written) {
        const { shard = claim.shard } = write.item as { readonly shard?: number } // only this module writes the item
        return { status: 'claimed', shard, repeated: false, wasLive: isLive(write.item) }
      }
      const row = fromSubscriptionItem(connectionId, await write.existing())
      const own = row.on && row.ref === claim.ref && row.topic === claim.topic && row.shard !== undefined
      if (!own) return { status: 'refused', row }
      // The first try finds only claims of earlier calls. A later try may find its own, whose response was lost.
      const isEarlier = write.tries === 1
      return { status: 'claimed', shard: row.shard ?? claim.shard, repeated: isEarlier, wasLive: isEarlier }
    },
    async stopSubscription({ connectionId, id, ref, expires, ifExists = false }) {
      const key = subscriptionKey(connectionId, id)
      const write = await update(key, {
        expression: 'SET #ref = :ref, #on = :on, #expires = :expires REMOVE #polled',
        condition: ifExists ? '#ref <= :ref' : 'attribute_not_exists(#pk) OR #ref <= :ref',
        values: { ref, on: false, expires },
        returnsItem: 'before',
      })
      if (write.written) {
        const { polled: _, ...kept } = write.item
        const row = fromSubscriptionItem(connectionId, { ...kept, ...key, ref, on: false, expires })
        return { status: 'stopped', row, wasLive: isLive(write.item) }
      }
      const item = await (ifExists ? write.find() : write.existing())
      if (item === undefined) return { status: 'absent' }
      return { status: 'newer', row: fromSubscriptionItem(connectionId, item) }
    },
    async readSubscription(connectionId, id) {
      const item = await get(subscriptionKey(connectionId, id))
      return item && fromSubscriptionItem(connectionId, item)
    },
    async readSubscriptions(connectionId) {
      const values = { pk: connectionKey(connectionId).pk, prefix: subscriptionPrefix }
      const items = await queryAll('#pk = :pk AND begins_with(#sk, :prefix)', values)
      return items.map((item) => fromSubscriptionItem(connectionId, item))
    },
    async claimRun({ connectionId, id, ...claim }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: 'SET #ref = :ref, #on = :on, #run = :run, #lease = :lease, #expires = :expires',
        condition: 'attribute_not_exists(#pk) OR (#ref < :ref AND attribute_not_exists(#topic))',
        values: { ...claim, on: true },
        returnsItem: true,
      })
      const row = fromSubscriptionItem(connectionId, write.written ? write.item : await write.existing())
      return { status: isUnderRun(row, claim) ? 'claimed' : 'refused', row }
    },
    async passRun({ connectionId, id, ref, from, run, lease }) {
      const write = await update(subscriptionKey(connectionId, id), {
        expression: 'SET #run = :run, #lease = :lease',
        condition: '#on = :on AND #ref = :ref AND #run = :from',
        values: { on: true, ref, from, run, lease },
        returnsItem: true,
      })
      const item = write.written ? write.item : await write.find()
      const row = item && fromSubscriptionItem(connectionId, item)
      return { status: row && isUnderRun(row, { ref, run }) ? 'passed' : 'refused', row }
    },
    async readSyncStates(asked) {
      const places = asked.map(({ topic, shard, connectionId, id, offset, needs = 'all' }) => ({
        ...{ topic, shard, row: needs === 'all' ? subscriberKey({ topic, shard, connectionId, id }) : undefined },
        slots: [needs === 'after' ? undefined : logKey(topic, offset), logKey(topic, offset + 1)],
      }))
      const keys = places.flatMap(({ row, slots }) => [row, ...slots])
      const found = await getMany(keys.filter((key) => key !== undefined))
      return places.map(({ topic, shard, row, slots }) => {
        const item = row && found.get(row)
        const [at, after] = slots.map((key) => key && found.get(key)).map((slot) => slot && readSlot(slot))
        return {
          ...defined({ subscriber: item && fromSubscriberItem(topic, shard, item), at, after }),
        }
      })
    },
  }
}

/** Whether an item is one of a subscription that is on. */
function isLive({ on, topic }: Item): boolean {
  return on === true && topic !== undefined
}

function isUnderRun(row: ConnectionSubscription, { ref, run }: Pick<ConnectionSubscription, 'ref' | 'run'>): boolean {
  return row.on && row.ref === ref && row.run === run
}
