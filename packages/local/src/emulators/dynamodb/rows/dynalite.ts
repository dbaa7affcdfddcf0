import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'

/** dynalite has no types. These are the parts of version 4.0.0 that the engine uses, read from its source. */
export interface DynaliteParts {
  readonly db: DynaliteDb
  readonly validations: Readonly<Record<'createTable' | 'putItem' | 'updateItem' | 'deleteItem', { types: TypeTable }>>
  /** Creates an `http.Server` that need not listen: it responds to a `request` event emitted on it. */
  readonly dynalite: (options: DynaliteOptions) => EventEmitter
}

/** dynalite's options. Without `path`, it stores in memory. */
export interface DynaliteOptions {
  readonly path?: string
  readonly createTableMs: number
  readonly deleteTableMs: number
  readonly updateTableMs: number
}

/** `dynalite/db`. dynalite looks up these exports at each call, so replacing one replaces it everywhere. */
export interface DynaliteDb {
  create(options: DynaliteOptions): DynaliteStore
  /** Null or undefined when the condition holds; otherwise the error response. */
  checkConditional(data: ConditionalWrite, existing: Item | undefined): DynaliteError | null | undefined
  /** dynalite's key of an item. It accepts a whole item or its key; either must match the table. */
  createKey(item: Item, table: TableDescription): string
  /** Why an item or a key does not match the table; null or undefined when it does. */
  validateItem(item: Item, table: TableDescription): DynaliteError | null | undefined
  validateKey(key: Item, table: TableDescription): DynaliteError | null | undefined
  updateIndexes(store: DynaliteStore, table: TableDescription, old: Item | undefined, item: null, done: Done): void
  itemSize(item: Item): number
}

/** The tables and items of one dynalite, in one LevelDB whose keys have the sub-database as a prefix. */
export interface DynaliteStore {
  readonly db: DynaliteLevel
  readonly tableDb: SubDb<TableDescription> & { readonly awsRegion: string }
  getTable(name: string, done: (error?: Error | null, table?: TableDescription) => void): void
  getItemDb(table: string): SubDb<Item>
  deleteItemDb(table: string, done: Done): void
  deleteIndexDb(type: string, table: string, index: string, done: Done): void
  deleteTagDb(table: string, done: Done): void
}

/** The LevelDB of a store. Its methods return promises, except `close`. */
export interface DynaliteLevel {
  open(): Promise<void>
  put(key: string, value: unknown): Promise<void>
  del(key: string): Promise<void>
  /** Writes all or none, visible to every reader at the same time. */
  batch(writes: readonly BatchWrite[]): Promise<void>
  clear(range: KeyRange): Promise<void>
  iterator(range: KeyRange): AsyncIterable<[string, unknown]>
  keys(range: object): LevelIterator
  values(range: object): LevelIterator
  close(done: Done): void
}

/** An iterator. It MUST be closed. */
export interface LevelIterator {
  close(): Promise<void>
}

/** A write to a whole key, including the sub-database's prefix. */
export type BatchWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'del'; readonly key: string }

export interface KeyRange {
  readonly gte: string
  readonly lt: string
}

/** A sub-database with callbacks and one lock per key, as dynalite's actions use it. */
export interface SubDb<Value> {
  get(key: string, done: (error?: Error | null, value?: Value) => void): void
  put(key: string, value: Value, done: Done): void
  del(key: string, done: Done): void
  lock(key: string, exec: (release: Release) => void): void
}

export type Done = (error?: Error | null) => void
/** Wraps a callback. The lock is released just before the callback is called. */
export type Release = <Args extends unknown[]>(done: (...args: Args) => void) => (...args: Args) => void

/** An error response if it has a `statusCode`, otherwise a bug. */
export interface DynaliteError extends Error {
  statusCode?: number
  body?: Record<string, unknown>
}

/** The members that all conditional writes have after validation. */
export interface ConditionalWrite {
  readonly TableName: string
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE'
}

/** dynalite's own schema language. It silently drops members that are not listed. */
export type TypeTable = Record<string, unknown>

/** `dynalite/validations/<name>`: the types of an action's members, and further checks. */
export interface Validation {
  readonly types: TypeTable
  readonly custom: (data: object, store: DynaliteStore) => string | undefined
}

/** `dynalite/validations`. Both functions throw an error response. */
export interface Validations {
  /** Returns the members that the types list and drops the others. */
  checkTypes(data: object, types: TypeTable): { readonly [member: string]: unknown }
  checkValidations(data: object, types: TypeTable, custom: Validation['custom'], store: DynaliteStore): void
}

/** An attribute in DynamoDB's JSON. It has exactly one member; `B` is base64. */
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

/** A table's row, which is also the response of DescribeTable. */
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

/** A dynalite action: the export of `dynalite/actions/<name>`. */
export type Action = (store: DynaliteStore, data: unknown, done: (error: unknown, result?: unknown) => void) => void

/**
 * `require` for dynalite's modules: they must be loaded one by one, and changed before dynalite's own index loads them.
 */
export const requireDynalite = createRequire(import.meta.url)
