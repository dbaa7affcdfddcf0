import { defined } from '@trunkline/protocol'
import {
  type Action,
  type DynaliteError,
  type DynaliteStore,
  type Item,
  requireDynalite as require,
  type TableDescription,
  type TypeTable,
  type Validation,
  type Validations,
} from '../rows/dynalite.ts'
import type { TableRegistry } from '../rows/tables.ts'
import { ApiError, type ApiInput, isStruct } from './api-error.ts'
import type { PatchedDynalite } from './patch.ts'

/** The parts of the engine that transactions use. */
export interface TransactContext {
  readonly db: PatchedDynalite['db']
  readonly store: DynaliteStore
  readonly tables: TableRegistry
}

export const mostBytes = 4_194_304 // 4 MB of items per transaction

/** The error for a transaction that is too large. */
export function tooLarge(bytes: number): ApiError {
  return new ApiError('ValidationException', `Transaction payload size cannot exceed 4MB. Payload Size: ${bytes}`)
}

/** One item of a transaction, prepared for dynalite's action. */
export interface PreparedItem {
  readonly kind: ActionKind
  readonly table: string
  /** dynalite's key of the item. */
  readonly key: string
  /** Identifies the item among those of all tables. */
  readonly lock: string
  readonly data: ApiInput
  /** Why the item's key or members do not match its table. It cancels the transaction. */
  readonly problem?: DynaliteError
}

export type ActionKind = 'ConditionCheck' | 'Put' | 'Update' | 'Delete' | 'Get'

interface ActionOf {
  /** dynalite's name of the action. A condition check is a delete whose write is discarded. */
  readonly action: string
  readonly needs?: string
  load(): Action
  validation(): Validation
}

const expressions = ['ExpressionAttributeNames', 'ExpressionAttributeValues']
const conditions = ['TableName', 'ConditionExpression', ...expressions, 'ReturnValuesOnConditionCheckFailure']
const members: Readonly<Record<ActionKind, readonly string[]>> = {
  ConditionCheck: [...conditions, 'Key'],
  Put: [...conditions, 'Item'],
  Update: [...conditions, 'Key', 'UpdateExpression'],
  Delete: [...conditions, 'Key'],
  Get: ['TableName', 'Key', 'ProjectionExpression', 'ExpressionAttributeNames'],
}

const actionOf = (action: string, needs?: string): ActionOf => ({
  action,
  ...defined({ needs }),
  load: () => require(`dynalite/actions/${action}`),
  validation: () => require(`dynalite/validations/${action}`),
})

export const actionKinds: Readonly<Record<ActionKind, ActionOf>> = {
  ConditionCheck: actionOf('deleteItem', 'ConditionExpression'),
  Put: actionOf('putItem'),
  Update: actionOf('updateItem', 'UpdateExpression'),
  Delete: actionOf('deleteItem'),
  Get: actionOf('getItem'),
}

const mostItems = 100
const kindsOf: Readonly<Record<'read' | 'write', readonly ActionKind[]>> = {
  read: ['Get'],
  write: ['ConditionCheck', 'Put', 'Update', 'Delete'],
}

/**
 * Validates the items of a transaction as far as the request alone allows. Throws an `ApiError`, or dynalite's own
 * error response.
 */
export async function prepareItems(
  parts: TransactContext,
  { TransactItems: entries }: ApiInput,
  use: 'read' | 'write',
): Promise<readonly PreparedItem[]> {
  if (!Array.isArray(entries)) throw invalid('Member must not be null')
  if (entries.length === 0) throw invalid('Member must have length greater than or equal to 1')
  if (entries.length > mostItems) throw invalid(`Member must have length less than or equal to ${mostItems}`)
  const requested = entries.map((item: unknown, at) => readItem(parts, item, { at, use }))
  const bytes = requested.reduce((sum, { data }) => sum + payloadOf(parts, data), 0)
  if (bytes > mostBytes) throw tooLarge(bytes)
  const items = await Promise.all(requested.map((item) => toPrepared(parts, item)))
  const locks = items.flatMap(({ problem, lock }) => (problem === undefined ? [lock] : []))
  if (new Set(locks).size < locks.length)
    throw new ApiError('ValidationException', 'Transaction request cannot include multiple operations on one item')
  return items
}

function invalid(constraint: string): ApiError {
  return new ApiError(
    'ValidationException',
    `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: ${constraint}`,
  )
}

interface RequestedItem {
  readonly kind: ActionKind
  readonly data: ApiInput
}

function readItem(
  parts: TransactContext,
  item: unknown,
  { at, use }: { readonly at: number; readonly use: 'read' | 'write' },
): RequestedItem {
  const kinds = kindsOf[use].filter((kind) => isStruct(item) && item[kind] != null)
  const [kind] = kinds
  const struct = isStruct(item) && kind !== undefined ? item[kind] : undefined
  if (kind === undefined || kinds.length > 1 || !isStruct(struct)) throw wrongKind(use)
  const { needs, validation } = actionKinds[kind]
  if (needs !== undefined && struct[needs] == null)
    throw new ApiError(
      'ValidationException',
      `1 validation error detected: Value null at 'transactItems.${at + 1}.member.${kind}.${needs}' failed to satisfy ` +
        'constraint: Member must not be null',
    )
  const { types, custom } = validation()
  const known: TypeTable = Object.fromEntries(Object.entries(types).filter(([name]) => members[kind].includes(name)))
  const { checkTypes, checkValidations }: Validations = require('dynalite/validations')
  const data = checkTypes({ ...struct }, known)
  checkValidations(data, known, custom, parts.store)
  return { kind, data }
}

function wrongKind(use: 'read' | 'write'): ApiError {
  const allowed = use === 'read' ? 'Get' : 'one of Check, Put, Update or Delete'
  return new ApiError('ValidationException', `TransactItems can only contain ${allowed}`)
}

/** The size of an item in the request, in bytes. */
function payloadOf(
  { db }: TransactContext,
  { Item: item, Key: key, ExpressionAttributeValues: values }: ApiInput,
): number {
  return [item, key, values].reduce<number>((sum, one) => sum + (isStruct(one) ? db.itemSize(one as Item) : 0), 0)
}

async function toPrepared(parts: TransactContext, { kind, data }: RequestedItem): Promise<PreparedItem> {
  const table = String(data.TableName)
  const description = await getTable(parts, table)
  const [named, check] =
    kind === 'Put' ? ([data.Item, parts.db.validateItem] as const) : ([data.Key, parts.db.validateKey] as const)
  const problem = check(named as Item, description) ?? undefined
  if (problem !== undefined) return { kind, table, data, problem, key: '', lock: `${table}~` }
  const key = parts.db.createKey(named as Item, description)
  return { kind, table, data, key, lock: `${table}~${key}` }
}

function getTable({ store }: TransactContext, name: string): Promise<TableDescription> {
  return new Promise((resolve, reject) => {
    store.getTable(name, (error, table) => (error || table === undefined ? reject(error) : resolve(table)))
  })
}
