import type { EventRow } from '../../ports/event-row.ts'
import type { Slot, Store } from '../../ports/store.ts'
import { fromSubscriberItem } from '../requests/items.ts'
import { logKey, subscriberKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** What syncs ask for: three rows each, the slots often shared. */
export function syncStateOperations(
  { getMany }: Requests,
  readSlot: (row: EventRow) => Slot | undefined,
): Pick<Store, 'readSyncStates'> {
  return {
    async readSyncStates(asked) {
      const wanted = asked.map(({ topic, shard, connectionId, id, offset }) => ({
        ...{ topic, shard, row: subscriberKey(topic, shard, connectionId, id) },
        slots: [logKey(topic, offset), logKey(topic, offset + 1)],
      }))
      const found = await getMany(wanted.flatMap(({ row, slots }) => [row, ...slots]))
      return wanted.map(({ topic, shard, row, slots }) => {
        const item = found.get(row)
        const [at, after] = slots.map((key) => found.get(key)).map((slot) => slot && readSlot(slot))
        return {
          ...(item && { subscriber: fromSubscriberItem(topic, shard, item) }),
          ...(at && { at }),
          ...(after && { after }),
        }
      })
    },
  }
}
