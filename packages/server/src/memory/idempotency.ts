import type { IdempotencyStore, KeyRow } from '../ports/idempotency.ts'
import { StoreError } from '../ports/store.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

/** The port of idempotency keys in memory. */
export function createIdempotency() {
  const rows = new Map<string, KeyRow>()
  const set = (row: KeyRow): KeyRow => {
    rows.set(row.key, row)
    return row
  }

  const operations: Operations<keyof IdempotencyStore> = {
    claimKey(claim) {
      const row = rows.get(claim.key)
      if (row === undefined) return { status: 'claimed', row: set({ ...claim, state: 'RUNNING', bases: {} }) }
      return { status: isRunningUnder(row, claim.owner) ? 'claimed' : 'conflict', row }
    },
    takeKey({ key, owner, lease, from }) {
      const row = existing('takeKey', rows.get(key))
      if (isRunningUnder(row, from.owner) && row.lease === from.lease)
        return { status: 'taken', row: set({ ...row, owner, lease }) }
      return { status: isRunningUnder(row, owner) ? 'taken' : 'conflict', row }
    },
    settleKey({ key, owner, ...settled }) {
      const row = existing('settleKey', rows.get(key))
      if (isRunningUnder(row, owner)) return { status: 'settled', row: set({ ...row, ...settled }) }
      const outcome = settled.state === 'DONE' ? settled.outcome : undefined
      const own = row.owner === owner && row.state === settled.state && row.outcome === outcome
      return { status: own ? 'settled' : 'conflict', row }
    },
    releaseKey({ key, owner }) {
      const row = rows.get(key)
      if (row !== undefined && isRunningUnder(row, owner)) rows.delete(key)
    },
    recordBase({ key, owner, publishId, base, expires }) {
      const row = rows.get(key) ?? { key, state: 'PUBLISH', owner: '', lease: 0, fingerprint: '', bases: {}, expires }
      if (owner !== undefined && !isRunningUnder(row, owner)) return { status: 'lost' }
      const { bases } = set({ ...row, bases: { [publishId]: base, ...row.bases } })
      return { status: 'recorded', base: bases[publishId] ?? base }
    },
    readKey: (key) => rows.get(key),
  }
  const dropExpired: DeleteExpired = (isDue) => deleteExpired([rows], isDue)
  return { operations, rows, deleteExpired: dropExpired }
}

const isRunningUnder = (row: KeyRow, owner: string) => row.state === 'RUNNING' && row.owner === owner

function existing(operation: 'takeKey' | 'settleKey', row: KeyRow | undefined): KeyRow {
  if (row === undefined) throw new StoreError(operation, false, { cause: new Error('No row of this key exists.') })
  return row
}
