import { chmod, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Resources, withResources } from '../resources.ts'
import type { Operation } from './requests/api-error.ts'
import { listen } from './requests/http.ts'
import { patchDynalite } from './requests/patch.ts'
import { streamOperations } from './requests/stream-api.ts'
import { transactOperations } from './requests/transact.ts'
import { type SetTtl, ttlOperations } from './requests/ttl-api.ts'
import { watchStore } from './requests/watch-store.ts'
import type { Done, DynaliteStore, TableDescription } from './rows/dynalite.ts'
import { TABLE_RANGE, TTL_RANGE, ttlKey } from './rows/keys.ts'
import { TableRegistry } from './rows/tables.ts'
import type { Sweepable } from './ttl.ts'

/** A running DynamoDB: one for all memory tables of the process, and one for each data directory. */
export interface Engine extends Sweepable {
  readonly endpoint: string
  readonly setTtl: SetTtl
  close(): Promise<void>
}

interface Slot {
  readonly engine: Promise<Engine>
  users: number
}

const slots = new Map<string, Slot>()
const closings = new Map<string, Promise<void>>()

/**
 * The engine of a data directory or of memory, started for its first user. Each user MUST call `releaseEngine` once.
 */
export async function acquireEngine(dataDir: string | undefined): Promise<Engine> {
  const name = slotName(dataDir)
  await closings.get(name)?.catch(() => {}) // its closer received the error; a directory is locked until it is closed
  const slot = slots.get(name) ?? { engine: startEngine(dataDir), users: 0 }
  slots.set(name, slot)
  slot.users += 1
  slot.engine.catch(() => slots.delete(name)) // the caller receives the error; the next caller tries again
  return slot.engine
}

/** Releases the engine. The last release stops it and resolves when it has stopped. */
export async function releaseEngine(dataDir: string | undefined): Promise<void> {
  const name = slotName(dataDir)
  const slot = slots.get(name)
  if (slot === undefined) return
  slot.users -= 1
  if (slot.users > 0) return
  slots.delete(name)
  const closing = slot.engine.then((engine) => engine.close()).finally(() => closings.delete(name))
  closings.set(name, closing)
  await closing
}

/** Whether only one user is left. */
export function isLastUser(dataDir: string | undefined): boolean {
  return slots.get(slotName(dataDir))?.users === 1
}

const slotName = (dataDir: string | undefined): string => (dataDir === undefined ? '' : resolve(dataDir))

/**
 * Makes the folder readable by its user only. It has no effect on a system without file modes, or on a folder of
 * another user.
 */
async function keepPrivate(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await chmod(dataDir, 0o700).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP') throw error
  })
}

async function startEngine(dataDir: string | undefined): Promise<Engine> {
  if (dataDir !== undefined) await keepPrivate(dataDir)
  return withResources((resources) => openEngine(dataDir, resources))
}

async function openEngine(dataDir: string | undefined, resources: Resources): Promise<Engine> {
  const { db, open } = patchDynalite()
  const times = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }
  const { server: dynalite, store } = open(dataDir === undefined ? times : { ...times, path: dataDir })
  const tables = new TableRegistry(db.itemSize)
  watchStore(store, tables)
  await resources.add(openStore(store, dataDir), () => closeStore(store))
  await restore(store, tables)
  const setTtl = createSetTtl(store, tables)
  const { server, endpoint } = await listen({
    dynalite,
    tables,
    operations: operationsOf({ db, store, tables }, setTtl),
  })
  const close = async () => {
    const closed = new Promise((done) => server.close(done))
    server.closeAllConnections()
    await closed
    await closeStore(store)
  }
  return { db, store, tables, endpoint, setTtl, close }
}

function operationsOf(parts: Sweepable, setTtl: SetTtl): Map<string, Operation> {
  const { tables } = parts
  const operations = new Map<string, Operation>()
  for (const [name, run] of Object.entries(streamOperations(tables)))
    operations.set(`DynamoDBStreams_20120810.${name}`, run)
  for (const [name, run] of Object.entries({ ...ttlOperations(tables, setTtl), ...transactOperations(parts) }))
    operations.set(`DynamoDB_20120810.${name}`, run)
  return operations
}

function closeStore(store: DynaliteStore): Promise<void> {
  return new Promise((done, fail) => store.db.close((error) => (error ? fail(error) : done())))
}

async function openStore(store: DynaliteStore, dataDir: string | undefined): Promise<void> {
  try {
    await store.db.open()
  } catch (cause) {
    throw new Error(`The data folder ${dataDir} could not be opened. Close any other process that uses it.`, { cause })
  }
}

function createSetTtl(store: DynaliteStore, tables: TableRegistry): SetTtl {
  return async (name, attribute) => {
    const table = tables.get(name)
    if (table === undefined) throw new Error(`Table ${name} does not exist. Create it before enabling its TTL.`)
    table.ttl = attribute
    if (attribute === undefined) await store.db.del(ttlKey(name))
    else await store.db.put(ttlKey(name), attribute)
  }
}

/** Restores a data directory's tables. A creation or a deletion that the process's end interrupted is completed. */
async function restore(store: DynaliteStore, tables: TableRegistry): Promise<void> {
  for await (const [, value] of store.db.iterator(TABLE_RANGE)) {
    const table = value as TableDescription // the rows in this range are dynalite's table descriptions
    const { tableDb } = store
    if (table.TableStatus === 'DELETING') await call((done) => tableDb.del(table.TableName, done))
    else await call((done) => tableDb.put(table.TableName, { ...table, TableStatus: 'ACTIVE' }, done))
  }
  for await (const [key, attribute] of store.db.iterator(TTL_RANGE)) {
    const table = tables.get(key.slice(ttlKey('').length))
    if (table !== undefined) table.ttl = String(attribute)
  }
}

function call(fn: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => fn((error) => (error ? reject(error) : resolve())))
}
