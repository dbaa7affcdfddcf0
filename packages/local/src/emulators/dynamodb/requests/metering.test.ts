import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { lineTable } from '@trunkline/server/dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createLocalClock } from '../../clock.ts'
import { type LocalDynamo, startDynamo, type TableUse } from '../dynamo.ts'

const TableName = 'metered'
const Key = { pk: { S: 'a' }, sk: { S: 'b' } }
const clock = createLocalClock()
let dynamo: LocalDynamo
let client: DynamoDBClient
let uses: TableUse[] = []
beforeAll(async () => {
  dynamo = await startDynamo({ clock, onUse: (use) => uses.push(use) })
  await dynamo.createTable(lineTable(TableName))
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  client = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'local-1', credentials, maxAttempts: 1 })
  await client.send(new PutItemCommand({ TableName, Item: { ...Key, text: { S: 'x'.repeat(5_000) } } }))
})
beforeEach(() => {
  uses = []
})
afterAll(async () => {
  client.destroy()
  await dynamo.close()
})

describe('a request to a metered table', () => {
  test('reports the units that a write consumed, per KB of the item', async () => {
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, text: { S: 'x'.repeat(5_000) } } }))
    expect(uses).toEqual([{ readUnits: 0, writeUnits: 5 }])
  })

  test('reports the units of a read per 4 KB, half of them for an eventually consistent read', async () => {
    await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))
    await client.send(new GetItemCommand({ TableName, Key }))
    expect(uses.map(({ readUnits }) => readUnits)).toEqual([2, 1])
  })

  test('counts one unit for a write whose condition failed, and none for an invalid request', async () => {
    const rejected = new PutItemCommand({ TableName, Item: Key, ConditionExpression: 'attribute_not_exists(pk)' })
    await expect(client.send(rejected)).rejects.toThrow('conditional request failed')
    expect(uses).toEqual([{ readUnits: 0, writeUnits: 1 }])
    const wrong = new QueryCommand({ TableName, KeyConditionExpression: 'nonsense' })
    await expect(client.send(wrong)).rejects.toThrow()
    expect(uses.at(-1)).toEqual({ readUnits: 0, writeUnits: 0 })
  })
})
