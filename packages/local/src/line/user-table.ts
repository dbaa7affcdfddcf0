import type { CreateTableCommandInput, Projection } from '@aws-sdk/client-dynamodb'
import type { TableRequest } from '@trunkline/server/dynamodb'
import type { FunctionOptions } from '../emulators/lambda/invocations/lambda-function.ts'
import { streamSettings } from './deployment.ts'
import type { Stack } from './stack.ts'

/** An application table, as the application's template declares it. */
export interface UserTable {
  /** @default a name that is unique in this process */
  readonly name?: string
  /** The partition key, then the sort key if the table has one: `{ board: 'S', id: 'S' }`. */
  readonly keys: Readonly<Record<string, KeyType>>
  /** The attribute that holds a row's expiry, in epoch seconds. @default none */
  readonly ttl?: string
  /** Secondary indexes by name. @default none */
  readonly indexes?: Readonly<Record<string, TableIndex>>
}

/** A secondary index of an application table. */
export interface TableIndex {
  /** The index's partition key, then its sort key if it has one. */
  readonly keys: Readonly<Record<string, KeyType>>
  /** True for a local index: the table's own partition key with another sort key. @default false, a global index */
  readonly local?: boolean
  /** The attributes that the index holds in addition to the keys: all, none, or the named ones. @default 'all' */
  readonly projection?: 'all' | 'keys' | readonly string[]
}

/** DynamoDB's key types: string, number, binary. */
export const keyTypes = ['S', 'N', 'B'] as const
/** The type of a key attribute in DynamoDB: string, number or binary. */
export type KeyType = (typeof keyTypes)[number]

const timeoutMs = 60_000 // the same as the line's own stream function
const tables = new WeakMap<Stack, number>()

/**
 * Creates the table with a stream of old and new images and maps the stream to a function, as a deployment does.
 * Without `run`, the stream has no consumer. Resolves to the table's name. Throws a `TypeError` for an invalid key
 * schema.
 */
export async function mapUserTable(
  stack: Stack,
  table: UserTable,
  run: FunctionOptions['run'] | undefined,
): Promise<string> {
  const count = (tables.get(stack) ?? 0) + 1
  tables.set(stack, count)
  const { name = `${stack.table}-rows-${count}`, ttl } = table
  await stack.dynamo.createTable(toTable(name, table))
  if (ttl !== undefined) await stack.dynamo.enableTtl(name, ttl)
  if (run === undefined) return name
  const functionName = `source-${name}`
  stack.functions.register({ name: functionName, timeoutMs, run })
  const { filter: _, ...settings } = streamSettings // this filter accepts log rows only
  stack.functions.mapStream({ ...settings, stream: stack.dynamo.stream(name), functionName })
  return name
}

function toTable(name: string, { keys, indexes = {} }: UserTable): TableRequest & IndexRequest {
  const named = Object.entries(indexes)
  const local = named.filter(([, index]) => index.local === true).map(([of, index]) => toIndex(of, index))
  const global = named.filter(([, index]) => index.local !== true).map(([of, index]) => toIndex(of, index))
  return {
    TableName: name,
    AttributeDefinitions: toAttributes(name, [keys, ...named.map(([, index]) => index.keys)]),
    KeySchema: toKeySchema(`table ${name}`, keys),
    ...(local.length > 0 && { LocalSecondaryIndexes: local }),
    ...(global.length > 0 && { GlobalSecondaryIndexes: global }),
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
}

type IndexRequest = Pick<CreateTableCommandInput, 'LocalSecondaryIndexes' | 'GlobalSecondaryIndexes'>

/** Each key attribute of the table and its indexes, without duplicates. */
function toAttributes(name: string, keys: readonly UserTable['keys'][]): TableRequest['AttributeDefinitions'] {
  const types = new Map<string, KeyType>()
  for (const [attribute, type] of keys.flatMap((each) => Object.entries(each))) {
    if ((types.get(attribute) ?? type) !== type)
      throw new TypeError(
        `Expected the key ${attribute} of table ${name} to have one type, got ${types.get(attribute)} and ${type}. Use one of them in the table and in all its indexes.`,
      )
    types.set(attribute, type)
  }
  return [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }))
}

function toKeySchema(owner: string, keys: UserTable['keys']): TableRequest['KeySchema'] {
  const names = Object.keys(keys)
  if (names.length < 1 || names.length > 2)
    throw new TypeError(`Expected ${owner} to have a partition key and at most one sort key, got ${names.length} keys.`)
  return names.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' }))
}

function toIndex(IndexName: string, { keys, projection = 'all' }: TableIndex) {
  const kinds = { all: 'ALL', keys: 'KEYS_ONLY' } as const
  const Projection: Projection =
    typeof projection === 'string'
      ? { ProjectionType: kinds[projection] }
      : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...projection] }
  return { IndexName, KeySchema: toKeySchema(`index ${IndexName}`, keys), Projection }
}
