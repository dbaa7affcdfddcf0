import type { LocalClock } from '../clock.ts'
import { runCall } from './requests/call.ts'
import type { DynaliteDb, DynaliteStore, Item, SubDb } from './rows/dynalite.ts'
import { itemRange } from './rows/keys.ts'
import type { Table, TableRegistry, Tenant } from './rows/tables.ts'

/** The parts of the engine that a sweep uses. */
export interface Sweepable {
  readonly db: DynaliteDb
  readonly store: DynaliteStore
  readonly tables: TableRegistry
}

const FIVE_YEARS_S = 5 * 365 * 86_400 // an older expiry is treated as a mistake and ignored, as in DynamoDB

/** Deletes expired items from a tenant's tables, in no particular order. Returns the number of deleted items. */
export async function sweepExpired(engine: Sweepable, tenant: Tenant): Promise<number> {
  let gone = 0
  for (const table of engine.tables.all()) {
    if (table.ttl === undefined || engine.tables.tenantOf(table) !== tenant) continue
    const keys = await expiredKeys(engine.store, table, tenant.clock)
    const outcomes = await Promise.all(
      shuffle(keys, tenant.clock).map((key) => expire(engine, { table, key, clock: tenant.clock })),
    )
    gone += outcomes.filter(Boolean).length
  }
  return gone
}

async function expiredKeys(store: DynaliteStore, table: Table, clock: LocalClock): Promise<string[]> {
  const range = itemRange(table.description.TableName)
  const keys: string[] = []
  for await (const [key, item] of store.db.iterator(range)) {
    // the range of a table holds only items
    if (isExpired(item as Item, table, clock)) keys.push(key.slice(range.gte.length))
  }
  return keys
}

/** True for a number of epoch seconds in the past, if it is not too old. */
function isExpired(item: Item, { ttl }: Table, clock: LocalClock): boolean {
  const text = ttl === undefined ? undefined : item[ttl]?.N
  if (text === undefined) return false
  const now = clock.now() / 1000
  const expiry = Number(text)
  return expiry < now && expiry > now - FIVE_YEARS_S
}

/** Deletes one item under its lock, as a client would, if it is still expired then. */
function expire(engine: Sweepable, { table, key, clock }: Omit<Candidate, 'itemDb'>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const itemDb = engine.store.getItemDb(table.description.TableName)
    runCall({ tables: engine.tables, expiry: true, fail: reject }, () => {
      itemDb.lock(key, (release) => {
        const done = release((error: Error | null | undefined, gone: boolean) =>
          error ? reject(error) : resolve(gone),
        )
        deleteIfExpired(engine, { table, itemDb, key, clock }, done)
      })
    })
  })
}

interface Candidate {
  readonly table: Table
  readonly itemDb: SubDb<Item>
  readonly key: string
  readonly clock: LocalClock
}

function deleteIfExpired(
  { db, store }: Sweepable,
  { table, itemDb, key, clock }: Candidate,
  done: (error: Error | null | undefined, gone: boolean) => void,
): void {
  itemDb.get(key, (error, item) => {
    if (error && error.name !== 'NotFoundError') return done(error, false)
    if (item === undefined || !isExpired(item, table, clock)) return done(null, false)
    db.updateIndexes(store, table.description, item, null, (failed) => {
      if (failed) return done(failed, false)
      itemDb.del(key, (failed) => done(failed, !failed))
    })
  })
}

function shuffle<T>(list: readonly T[], clock: LocalClock): T[] {
  return list
    .map((value) => ({ value, rank: clock.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value)
}
