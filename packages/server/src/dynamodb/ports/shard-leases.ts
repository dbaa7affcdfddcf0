import type { Store } from '../../ports/store.ts'
import { fromShardLeaseItem, toShardLeaseItem } from '../requests/items.ts'
import { shardLeaseKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** Whose turn it is to deliver a shard. */
export function shardLeaseOperations({ get, put }: Requests): Pick<Store, 'readShardLease' | 'putShardLease'> {
  return {
    async readShardLease(topic, shard) {
      const item = await get(shardLeaseKey(topic, shard))
      return item && fromShardLeaseItem(topic, shard, item)
    },
    async putShardLease(row, over) {
      const condition = over === undefined ? 'attribute_not_exists(#pk)' : '#mark = :over'
      const write = await put(toShardLeaseItem(row), condition, { over })
      if (write.written) return { status: 'put' }
      const item = await write.find()
      if (item?.mark === row.version) return { status: 'put' }
      return { status: 'standing', row: item && fromShardLeaseItem(row.topic, row.shard, item) }
    },
  }
}
