import { type KeyRow, StoreError } from '../ports/store.ts'
import type { Operations } from './operations.ts'

/** The rows of keys. */
export function createKeyRows() {
  const rows = new Map<string, KeyRow>()
  const set = (row: KeyRow): KeyRow => {
    rows.set(row.key, row)
    return row
  }

  const operations: Operations<'claimKey' | 'takeKey' | 'settleKey' | 'recordBase' | 'readKey'> = {
    claimKey(claim) {
      const row = rows.get(claim.key)
      if (row === undefined) return { status: 'claimed', row: set({ ...claim, state: 'RUNNING', bases: {} }) }
      return { status: isRunningUnder(row, claim.owner) ? 'claimed' : 'standing', row }
    },
    takeKey({ key, owner, lease, from }) {
      const row = standing('takeKey', rows.get(key))
      if (isRunningUnder(row, from.owner) && row.lease === from.lease)
        return { status: 'taken', row: set({ ...row, owner, lease }) }
      return { status: isRunningUnder(row, owner) ? 'taken' : 'standing', row }
    },
    settleKey({ key, owner, ...settled }) {
      const row = standing('settleKey', rows.get(key))
      if (isRunningUnder(row, owner)) return { status: 'settled', row: set({ ...row, ...settled }) }
      const outcome = settled.state === 'DONE' ? settled.outcome : undefined
      const own = row.owner === owner && row.state === settled.state && row.outcome === outcome
      return { status: own ? 'settled' : 'standing', row }
    },
    recordBase({ key, owner, publishId, base, expires }) {
      const row = rows.get(key) ?? { key, state: 'PUBLISH', owner: '', lease: 0, fingerprint: '', bases: {}, expires }
      if (owner !== undefined && !isRunningUnder(row, owner)) return { status: 'lost' }
      const { bases } = set({ ...row, bases: { [publishId]: base, ...row.bases } })
      return { status: 'recorded', base: bases[publishId] ?? base }
    },
    readKey: (key) => rows.get(key),
  }
  return { operations, tables: () => [rows] }
}

const isRunningUnder = (row: KeyRow, owner: string) => row.state === 'RUNNING' && row.owner === owner

function standing(operation: 'takeKey' | 'settleKey', row: KeyRow | undefined): KeyRow {
  if (row === undefined) throw new StoreError(operation, false, { cause: new Error('No row of this key stands.') })
  return row
}
