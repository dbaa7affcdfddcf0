import type { ShardLeaseRow } from '../ports/leases.ts'
import type { Operations } from './operations.ts'

/** Whose turn it is to deliver a shard. */
export function createShardLeases() {
  const rows = new Map<string, ShardLeaseRow>()
  const nameOf = (topic: string, shard: number) => `${shard} ${topic}`

  const operations: Operations<'readShardLease' | 'putShardLease'> = {
    readShardLease: (topic, shard) => rows.get(nameOf(topic, shard)),
    putShardLease(row, over) {
      const name = nameOf(row.topic, row.shard)
      const standing = rows.get(name)
      if (standing?.version === over) {
        rows.set(name, row)
        return { status: 'put' }
      }
      return standing?.version === row.version ? { status: 'put' } : { status: 'standing', row: standing }
    },
  }
  return { operations, tables: () => [rows] }
}
