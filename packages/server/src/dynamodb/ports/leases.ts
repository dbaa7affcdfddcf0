import type { LeaseStore } from '../../ports/leases.ts'
import { fromShardLeaseItem, toShardLeaseItem } from '../requests/items.ts'
import { shardLeaseKey, sweepKey } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/** The port of leases in the table. */
export function leaseOperations({ get, put, update }: Requests): LeaseStore {
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
      return { status: 'conflict', row: item && fromShardLeaseItem(row.topic, row.shard, item) }
    },
    async readSweep(topic) {
      return Number((await get(sweepKey(topic)))?.at ?? 0)
    },
    async moveSweep(topic, { from, to, expires }) {
      const write = await update(sweepKey(topic), {
        expression: 'SET #at = :to, #expires = :expires',
        condition: from === 0 ? 'attribute_not_exists(#pk) OR #at = :from' : '#at = :from',
        values: { from, to, expires },
      })
      return write.written ? 'moved' : 'conflict'
    },
  }
}
