import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'

/** dynalite has no types: these are the parts of its 4.0.0 that the engine reaches for, read from its source. */
export interface DynaliteParts {
  readonly db: DynaliteDb
  readonly validations: Readonly<Record<'createTable' | 'putItem' | 'updateItem' | 'deleteItem', { types: TypeTable }>>
  /** Makes an `http.Server` that never has to listen: a `request` event emitted on it is answered. */
  readonly dynalite: (options: DynaliteOptions) => EventEmitter
}

/** What dynalite itself is told. `path` absent means memory. */
export interface DynaliteOptions {
  readonly path?: string
  readonly createTableMs: number
  readonly deleteTableMs: number
  readonly updateTableMs: number
}

/** `dynalite/db`: its exports are looked up at each call, so replacing one replaces it everywhere. */
export interface DynaliteDb {
  create(options: DynaliteOptions): DynaliteStore
  /** Null or undefined when the condition holds, else the error to answer with. */
  checkConditional(data: ConditionalWrite, existing: Item | undefined): DynaliteError | null | undefined
  /** dynalite's key of an item, of an item or of its key alone, which fit the table. */
  createKey(item: Item, table: TableDescription): string
  /** Why an item or a key does not fit the table; null or undefined when it does. */
  validateItem(item: Item, table: TableDescription): DynaliteError | null | undefined
  validateKey(key: Item, table: TableDescription): DynaliteError | null | undefined
  updateIndexes(store: DynaliteStore, table: TableDescription, old: Item | undefined, item: null, done: Done): void
  itemSize(item: Item): number
}

/** The tables and items of one dynalite, over one LevelDB whose keys carry the sub-database as a prefix. */
export interface DynaliteStore {
  readonly db: DynaliteLevel
  readonly tableDb: SubDb<TableDescription> & { readonly awsRegion: string }
  getTable(name: string, done: (error?: Error | null, table?: TableDescription) => void): void
  getItemDb(table: string): SubDb<Item>
  deleteItemDb(table: string, done: Done): void
  deleteIndexDb(type: string, table: string, index: string, done: Done): void
  deleteTagDb(table: string, done: Done): void
}

/** The LevelDB under a store: promises, save `close`. */
export interface DynaliteLevel {
  open(): Promise<void>
  put(key: string, value: unknown): Promise<void>
  del(key: string): Promise<void>
  /** Writes all or nothing, and at once for every reader. */
  batch(writes: readonly BatchWrite[]): Promise<void>
  clear(range: KeyRange): Promise<void>
  iterator(range: KeyRange): AsyncIterable<[string, unknown]>
  keys(range: object): LevelIterator
  values(range: object): LevelIterator
  close(done: Done): void
}

/** What it gives is read one by one; it MUST be closed. */
export interface LevelIterator {
  close(): Promise<void>
}

/** A write of a whole key, the sub-database's prefix included. */
export type BatchWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'del'; readonly key: string }

export interface KeyRange {
  readonly gte: string
  readonly lt: string
}

/** Callback style, one lock per key: what dynalite's actions use. */
export interface SubDb<Value> {
  get(key: string, done: (error?: Error | null, value?: Value) => void): void
  put(key: string, value: Value, done: Done): void
  del(key: string, done: Done): void
  lock(key: string, exec: (release: Release) => void): void
}

export type Done = (error?: Error | null) => void
/** Wraps a callback: the lock is let go just before it is called. */
export type Release = <Args extends unknown[]>(done: (...args: Args) => void) => (...args: Args) => void

/** An error that is an answer when it has a `statusCode`, and a bug otherwise. */
export interface DynaliteError extends Error {
  statusCode?: number
  body?: Record<string, unknown>
}

/** What the conditional writes have in common after validation. */
export interface ConditionalWrite {
  readonly TableName: string
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE'
}

/** dynalite's own schema language: a member that is not listed is dropped in silence. */
export type TypeTable = Record<string, unknown>

/** `dynalite/validations/<name>`: an action's members, and what their types do not say. */
export interface Validation {
  readonly types: TypeTable
  readonly custom: (data: object, store: DynaliteStore) => string | undefined
}

/** `dynalite/validations`: both throw an error that is an answer. */
export interface Validations {
  /** The members that the types list; the others are dropped. */
  checkTypes(data: object, types: TypeTable): { readonly [member: string]: unknown }
  checkValidations(data: object, types: TypeTable, custom: Validation['custom'], store: DynaliteStore): void
}

/** An attribute in DynamoDB's JSON: exactly one member; `B` is base64 text. */
export interface Attribute {
  readonly S?: string
  readonly N?: string
  readonly B?: string
  readonly BOOL?: boolean
  readonly NULL?: boolean
  readonly SS?: readonly string[]
  readonly NS?: readonly string[]
  readonly BS?: readonly string[]
  readonly L?: readonly Attribute[]
  readonly M?: Item
}

/** An item in DynamoDB's JSON. */
export type Item = { readonly [name: string]: Attribute }

/** A table's row, which is also DescribeTable's answer. */
export interface TableDescription {
  readonly TableName: string
  readonly TableArn: string
  TableStatus: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING'
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[]
  StreamSpecification?: { readonly StreamEnabled: boolean; readonly StreamViewType?: StreamViewType }
  LatestStreamArn?: string
  LatestStreamLabel?: string
}

export type StreamViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES'

/** A dynalite action: what `require('dynalite/actions/<name>')` is. */
export type Action = (store: DynaliteStore, data: unknown, done: (error: unknown, result?: unknown) => void) => void

/** CommonJS's door: dynalite's modules must be reached one by one, and changed before its own index loads them. */
export const requireDynalite = createRequire(import.meta.url)
