import type { LeaseStore, RunPlaceLease, ShardLeaseRow } from '../ports/leases.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

/** The places of one owner's runs: their leases, by the names of the runs. */
interface OwnerRow {
  readonly leases: ReadonlyMap<string, number>
  readonly expires: number
}

/** The port of leases in memory. */
export function createLeases() {
  const sweeps = new Map<string, { readonly at: number; readonly expires: number }>()
  const rows = new Map<string, ShardLeaseRow>()
  const owners = new Map<string, OwnerRow>()
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
    takeRunPlace({ owner, run, lease, max, over, expires }) {
      const leases = new Map(owners.get(owner)?.leases)
      const isCurrent = over.every((dead) => leases.get(dead.run) === dead.lease)
      const places = placesOf(leases)
      if (isCurrent) for (const dead of over) leases.delete(dead.run)
      if (!isCurrent || leases.has(run) || leases.size >= max) return { status: 'refused', places }
      owners.set(owner, { leases: leases.set(run, lease), expires })
      return { status: 'taken' }
    },
    renewRunPlace({ owner, run, lease, expires }) {
      const leases = new Map(owners.get(owner)?.leases)
      if (!leases.has(run)) return 'absent'
      owners.set(owner, { leases: leases.set(run, lease), expires })
      return 'renewed'
    },
    releaseRunPlace({ owner, run }) {
      const row = owners.get(owner)
      if (row === undefined) return
      owners.set(owner, { ...row, leases: new Map([...row.leases].filter(([name]) => name !== run)) })
    },
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpired([sweeps], isDue)
    deleteExpired([rows], isDue)
    deleteExpired([owners], isDue)
  }
  return { operations, owners, deleteExpired: dropExpired }
}

/** In the order of the runs' names. */
function placesOf(leases: ReadonlyMap<string, number>): readonly RunPlaceLease[] {
  return [...leases].map(([run, lease]) => ({ run, lease })).sort((a, b) => (a.run < b.run ? -1 : 1))
}
