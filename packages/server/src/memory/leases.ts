import type { LeaseStore, ShardLeaseRow } from '../ports/leases.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

/** The port of leases in memory. */
export function createLeases() {
  const sweeps = new Map<string, { readonly at: number; readonly expires: number }>()
  const rows = new Map<string, ShardLeaseRow>()
  const nameOf = (topic: string, shard: number) => `${shard} ${topic}`

  const operations: Operations<keyof LeaseStore> = {
    readShardLease: (topic, shard) => rows.get(nameOf(topic, shard)),
    putShardLease(row, over) {
      const name = nameOf(row.topic, row.shard)
      const existing = rows.get(name)
      if (existing?.version === over) {
        rows.set(name, row)
        return { status: 'put' }
      }
      return existing?.version === row.version ? { status: 'put' } : { status: 'conflict', row: existing }
    },
    readSweep: (topic) => sweeps.get(topic)?.at ?? 0,
    moveSweep(topic, { from, to, expires }) {
      if ((sweeps.get(topic)?.at ?? 0) !== from) return 'conflict'
      sweeps.set(topic, { at: to, expires })
      return 'moved'
    },
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpired([sweeps], isDue)
    deleteExpired([rows], isDue)
  }
  return { operations, deleteExpired: dropExpired }
}
