import type { QueryCommandInput, UpdateCommandInput } from '@aws-sdk/lib-dynamodb'
import { defined } from '@trunkline/protocol'
import { createBatchGet } from './batch-get.ts'
import { createSend, type Send } from './client.ts'
import { attributesOf } from './expression.ts'
import type { Item } from './items.ts'
import type { Key } from './keys.ts'
import type { DynamoStoreOptions } from './options.ts'
import { isConditionFailure, toFailedCondition, type Write } from './write.ts'

type Values = Readonly<Record<string, unknown>>

interface Update {
  readonly expression: string
  readonly condition?: string
  readonly values: Values
  /** Names of attributes that are not words, by the word that the expression has for each. */
  readonly attributes?: Readonly<Record<string, string>>
  /**
   * The write returns the whole new item, or the item before it, which is empty if none existed. Without it the size of
   * the item does not matter. @default false
   */
  readonly returnsItem?: boolean | 'before'
}

/** Which of the rows under its keys a query returns. */
export interface QueryBounds extends Pick<QueryCommandInput, 'Limit' | 'ScanIndexForward'> {
  readonly filter?: string
  readonly ExclusiveStartKey?: Key
}

/** The result of one query. `last`: it stopped after this key, and more items may exist. */
export interface Page {
  readonly items: readonly Item[]
  readonly last: Key | undefined
}

/**
 * The requests that the store makes: strongly consistent reads, and conditional writes of one item. In expressions `#x`
 * is the attribute x and `:x` the value x.
 */
export type Requests = ReturnType<typeof createRequests>

export function createRequests(options: DynamoStoreOptions, send = createSend(options)) {
  const reads = createReads(send, options.table)
  return { ...reads, ...createWrites(send, options.table, reads.get), getMany: createBatchGet(send, options) }
}

function returnedValues(returnsItem: boolean | 'before'): 'ALL_NEW' | 'ALL_OLD' | undefined {
  if (returnsItem === 'before') return 'ALL_OLD'
  return returnsItem ? 'ALL_NEW' : undefined
}

type Get = (key: Key) => Promise<Item | undefined>

function createReads(send: Send, TableName: string) {
  const get: Get = async (key) => {
    const input = { TableName, Key: key, ConsistentRead: true }
    const { Item } = await send((client, sdk, abortSignal) => client.send(new sdk.GetCommand(input), { abortSignal }))
    return Item
  }

  /** One page. */
  async function query(keys: string, values: Values, { filter, ...page }: QueryBounds = {}): Promise<Page> {
    const input: QueryCommandInput = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: keys,
      ...defined({ FilterExpression: filter }),
      ...attributesOf([keys, filter], values),
      ...page,
    }
    const { Items, LastEvaluatedKey } = await send((client, sdk, abortSignal) =>
      client.send(new sdk.QueryCommand(input), { abortSignal }),
    )
    return { items: Items ?? [], last: LastEvaluatedKey as Key | undefined } // the table's own key
  }

  /** All pages. */
  async function queryAll(keys: string, values: Values, bounds: QueryBounds = {}): Promise<readonly Item[]> {
    const all: Item[] = []
    for (let from: Key | undefined, more = true; more; more = from !== undefined) {
      const { items, last } = await query(keys, values, { ...bounds, ...defined({ ExclusiveStartKey: from }) })
      all.push(...items)
      from = last
    }
    return all
  }
  return { get, query, queryAll }
}

/** Writes of one item. A write whose condition fails reads the item by `get` where the error does not contain it. */
function createWrites(send: Send, TableName: string, get: Get) {
  async function write(key: Key, request: () => Promise<Item | undefined>): Promise<Write> {
    try {
      return { written: true, item: (await request()) ?? {} }
    } catch (error) {
      if (!isConditionFailure(error)) throw error
      return toFailedCondition(error, key, () => get(key))
    }
  }
  const conditional = (condition: string | undefined) => ({
    TableName,
    ...(condition !== undefined && {
      ConditionExpression: condition,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }),
  })
  return {
    put(item: Item & Key, condition?: string, values: Values = {}): Promise<Write> {
      const input = { ...conditional(condition), Item: item, ...attributesOf([condition], values) }
      return write({ pk: item.pk, sk: item.sk }, () =>
        send(async (client, sdk, abortSignal) => {
          await client.send(new sdk.PutCommand(input), { abortSignal })
          return undefined
        }),
      )
    },

    update(key: Key, { expression, condition, values, attributes, returnsItem = false }: Update): Promise<Write> {
      const input: UpdateCommandInput = {
        ...conditional(condition),
        Key: key,
        UpdateExpression: expression,
        ...defined({ ReturnValues: returnedValues(returnsItem) }),
        ...attributesOf([expression, condition], values, attributes),
      }
      return write(key, () =>
        send(async (client, sdk, abortSignal) => {
          const { Attributes } = await client.send(new sdk.UpdateCommand(input), { abortSignal })
          return Attributes
        }),
      )
    },

    remove(key: Key, condition?: string, values: Values = {}): Promise<Write> {
      const input = { ...conditional(condition), Key: key, ...attributesOf([condition], values) }
      return write(key, () =>
        send(async (client, sdk, abortSignal) => {
          await client.send(new sdk.DeleteCommand(input), { abortSignal })
          return undefined
        }),
      )
    },
  }
}
