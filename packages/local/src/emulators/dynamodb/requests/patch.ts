import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import {
  type Action,
  type DynaliteDb,
  type DynaliteError,
  type DynaliteOptions,
  type DynaliteParts,
  type DynaliteStore,
  requireDynalite as require,
  requireDynalite,
} from '../rows/dynalite.ts'
import { currentCall } from './call.ts'

/** A patched dynalite that exposes the store of each instance. */
export interface PatchedDynalite {
  readonly db: DynaliteDb
  /** Creates a dynalite with its store. `server` responds to `request` events and never listens. */
  open(options: DynaliteOptions): { readonly server: EventEmitter; readonly store: DynaliteStore }
}

/**
 * Marks dynalite as patched. The mark is on dynalite itself, because this module may be loaded twice in a process while
 * dynalite is loaded once.
 */
const PATCHED = Symbol.for('trunkline.dynalite.patched')

/** Loads dynalite (about 70 ms) and patches its modules once per process; all its instances share them. */
export function patchDynalite(): PatchedDynalite {
  repairBig() // before any module of dynalite loads it
  const db: DynaliteDb & { [PATCHED]?: PatchedDynalite } = keepText(() => require('dynalite/db'))
  db[PATCHED] ??= patch(db)
  return db[PATCHED]
}

function patch(db: DynaliteDb): PatchedDynalite {
  for (const name of ACTIONS) guardAction(name) // before dynalite's index loads the actions
  const dynalite: DynaliteParts['dynalite'] = require('dynalite')
  acceptMembers()
  returnOldItem(db)
  const open = captureStore(db, dynalite)
  return { db, open }
}

/** dynalite does not expose its store, so it is captured on creation. */
function captureStore(db: DynaliteDb, dynalite: DynaliteParts['dynalite']): PatchedDynalite['open'] {
  const create = db.create
  let captured: DynaliteStore | undefined
  db.create = (options) => {
    captured = create(options)
    return captured
  }
  return (options) => {
    const server = dynalite(options)
    if (captured === undefined)
      throw new Error('Expected dynalite to create a store. This version of dynalite is not supported.')
    return { server, store: captured }
  }
}

/** Accepts members that dynalite would silently drop. */
function acceptMembers(): void {
  types('createTable').StreamSpecification = {
    type: 'FieldStruct<StreamSpecification>',
    children: {
      StreamEnabled: { type: 'Boolean', notNull: true },
      StreamViewType: { type: 'String', enum: ['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY'] },
    },
  }
  for (const name of ['putItem', 'updateItem', 'deleteItem'] as const) {
    types(name).ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] }
  }
}

function types(name: keyof DynaliteParts['validations']) {
  const validation: DynaliteParts['validations'][typeof name] = require(`dynalite/validations/${name}`)
  return validation.types
}

/** Implements `ReturnValuesOnConditionCheckFailure: 'ALL_OLD'`: the error contains the existing item. */
function returnOldItem(db: DynaliteDb): void {
  const checkConditional = db.checkConditional
  db.checkConditional = (data, existing) => {
    const error = checkConditional(data, existing)
    if (existing === undefined || error?.body === undefined) return error
    if (data.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD') return error
    const tables = currentCall()?.tables
    if (tables?.tenantOf(tables.get(data.TableName))?.returnsOldItem) error.body.Item = existing
    return error
  }
}

const ACTIONS = [
  ...['BatchGetItem', 'BatchWriteItem', 'CreateTable', 'DeleteItem', 'DeleteTable', 'DescribeTable', 'GetItem'],
  ...['ListTables', 'PutItem', 'Query', 'Scan', 'UpdateItem', 'UpdateTable'],
].map((name) => name.charAt(0).toLowerCase() + name.slice(1))

/**
 * dynalite throws unexpected errors out of a callback, which ends the process. This converts them to error responses.
 */
function guardAction(name: string): void {
  const path = require.resolve(`dynalite/actions/${name}`)
  const action: Action = require(path)
  const module = require.cache[path]
  if (module === undefined) return
  module.exports = ((store, data, done) =>
    action(store, data, (error, result) => done(toErrorResponse(error), result))) satisfies Action
}

function toErrorResponse(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const known: DynaliteError = error
  if (known.statusCode !== undefined) return error
  return Object.assign(error, { statusCode: 500, body: internalError(error) })
}

/** The error response for an unexpected error of dynalite. */
export function internalError(error: unknown): Record<string, string> {
  const message = error instanceof Error ? error.message : String(error)
  return { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: `dynalite failed: ${message}` }
}

type MemoryLevel = new (options: object) => object

/**
 * Loads dynalite's store so that it keeps rows in memory as strings. Buffers, the default, share slabs of 8 KB when
 * they are small: one row that is kept retains its whole slab.
 */
function keepText<T>(load: () => T): T {
  const level: { MemoryLevel: MemoryLevel } = createRequire(requireDynalite.resolve('dynalite'))('memory-level')
  const original = level.MemoryLevel
  level.MemoryLevel = class extends original {
    constructor(options: object) {
      super({ ...options, storeEncoding: 'utf8' })
    }
  }
  try {
    return load()
  } finally {
    level.MemoryLevel = original // other users of memory-level in this process must not be affected
  }
}

/**
 * Makes `require('big.js')` return the constructor that dynalite expects. Under `node --conditions import` (which
 * Vitest sets from `ssr.resolve.conditions`), `require` returns the ES module instead, and dynalite rejects every
 * number.
 */
function repairBig(): void {
  const require = createRequire(requireDynalite.resolve('dynalite'))
  const big: unknown = require('big.js')
  if (typeof big === 'function') return
  const module = require.cache[require.resolve('big.js')]
  if (module !== undefined) module.exports = module.exports.default
}
