import type { TableRequest } from '@trunkline/server/dynamodb'
import { streamSettings } from './deployment.ts'
import type { FunctionOptions } from './functions/lambda-function.ts'
import type { Stack } from './stack.ts'

/** A table of the application's own, as its template declares it. */
export interface UserTable {
  /** @default a name that no other line of this process has */
  readonly name?: string
  /** The partition key, then the sort key if there is one: `{ board: 'S', id: 'S' }`. */
  readonly keys: Readonly<Record<string, KeyType>>
  /** The attribute that says when a row expires, in epoch seconds. */
  readonly ttl?: string
}

/** Text, number, binary: DynamoDB's types of keys. */
export const keyTypes = ['S', 'N', 'B'] as const
export type KeyType = (typeof keyTypes)[number]

const timeoutMs = 60_000 // as the line's own stream function
const tables = new WeakMap<Stack, number>()

/** Creates the table with a stream of old and new images and maps that to a function, as a deployment does. Gives the table's name. */
export async function mapUserTable(stack: Stack, table: UserTable, run: FunctionOptions['run']): Promise<string> {
  const count = (tables.get(stack) ?? 0) + 1
  tables.set(stack, count)
  const { name = `${stack.table}-rows-${count}`, ttl } = table
  await stack.dynamo.createTable(toTable(name, table))
  if (ttl !== undefined) await stack.dynamo.enableTtl(name, ttl)
  const functionName = `source-${name}`
  stack.functions.register({ name: functionName, timeoutMs, run })
  const { filter: _, ...settings } = streamSettings // a filter of log rows
  stack.functions.mapStream({ ...settings, stream: stack.dynamo.stream(name), functionName })
  return name
}

function toTable(name: string, { keys }: UserTable): TableRequest {
  const named = Object.entries(keys)
  if (named.length < 1 || named.length > 2)
    throw new TypeError(`Expected the keys of table ${name} to be a partition key and perhaps a sort key.`)
  return {
    TableName: name,
    AttributeDefinitions: named.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: named.map(([AttributeName], index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
}
