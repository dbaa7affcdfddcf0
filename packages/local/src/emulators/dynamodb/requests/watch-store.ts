import type { Done, DynaliteStore, Item, KeyRange, SubDb } from '../rows/dynalite.ts'
import { itemRange, rangeOf, ttlKey } from '../rows/keys.ts'
import type { StreamLog } from '../rows/streams.ts'
import type { TableRegistry } from '../rows/tables.ts'
import { currentCall, guard, guardLock } from './call.ts'

/**
 * Hooks into a store: table writes update the registry, item writes append to their table's stream, and no exception
 * escapes.
 */
export function watchStore(store: DynaliteStore, tables: TableRegistry): void {
  watchTables(store, tables)
  watchItems(store, tables)
  dropQuickly(store)
  closeIterators(store)
}

/**
 * dynalite ends an iterator with `return`, which LevelDB's iterators lack. An iterator that is never closed retains the
 * whole table as it was when the iterator was created.
 */
function closeIterators({ db }: DynaliteStore): void {
  for (const name of ['keys', 'values'] as const) {
    const make = db[name].bind(db)
    db[name] = (range) => {
      const iterator = make(range)
      return Object.assign(iterator, { return: () => iterator.close() })
    }
  }
}

function watchTables({ db, tableDb }: DynaliteStore, tables: TableRegistry): void {
  const { put, del } = tableDb
  guardReads(tableDb)
  tableDb.put = (name, description, done) => {
    tables.describe(description)
    put(name, description, guard(done))
  }
  tableDb.del = (name, done) => {
    tables.drop(name)
    const next = guard(done)
    db.del(ttlKey(name)).then(() => del(name, next), next)
  }
}

function watchItems(store: DynaliteStore, tables: TableRegistry): void {
  const getItemDb = store.getItemDb
  const watched = new WeakSet<SubDb<Item>>()
  store.getItemDb = (name) => {
    const itemDb = getItemDb(name)
    if (watched.has(itemDb)) return itemDb
    watched.add(itemDb)
    watchItemDb(itemDb, () => tables.get(name)?.stream)
    return itemDb
  }
}

/** `put` and `del` run under dynalite's lock of the item, so the item read just before is its exact old image. */
function watchItemDb(itemDb: SubDb<Item>, streamOf: () => StreamLog | undefined): void {
  const { get, put, del } = itemDb
  guardReads(itemDb)
  const change = ({ key, item, write }: ItemWrite, done: Done) => {
    const expiry = currentCall()?.expiry === true
    if (streamOf() === undefined) return write(guard(done))
    get(
      key,
      guard((error, old) => {
        if (isFailure(error)) return done(error)
        write(
          guard((failed) => {
            if (!failed) streamOf()?.append({ old, new: item, expiry })
            done(failed)
          }),
        )
      }),
    )
  }
  itemDb.put = (key, item, done) => change({ key, item, write: (written) => put(key, item, written) }, done)
  itemDb.del = (key, done) => change({ key, item: undefined, write: (written) => del(key, written) }, done)
}

interface ItemWrite {
  readonly key: string
  /** The new item; undefined for a delete. */
  readonly item: Item | undefined
  readonly write: (done: Done) => void
}

function guardReads<Value>(subDb: SubDb<Value>): void {
  const { get, lock } = subDb
  subDb.get = (key, done) => get(key, guard(done))
  subDb.lock = guardLock(lock)
}

function isFailure(error: Error | null | undefined): boolean {
  return error != null && error.name !== 'NotFoundError'
}

/** dynalite reads every key of every table to drop one table. Clearing one range per sub-database is sufficient. */
function dropQuickly(store: DynaliteStore): void {
  const clear = (range: KeyRange, done: Done) => {
    const answer = guard(done)
    store.db.clear(range).then(
      () => setImmediate(answer),
      (error) => setImmediate(answer, error),
    )
  }
  store.deleteItemDb = (table, done) => clear(itemRange(table), done)
  store.deleteTagDb = (table, done) => clear(rangeOf(`tag-${table}~`), done)
  store.deleteIndexDb = (type, table, index, done) =>
    clear(rangeOf(`index-${type.toLowerCase()}~${table}~${index}~`), done)
}
