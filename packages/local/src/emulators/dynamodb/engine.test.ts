import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { openFixture, tableInput } from './dynamo.suite.ts'
import { acquireEngine, releaseEngine } from './engine.ts'
import { itemRange } from './rows/keys.ts'

describe('a bug inside dynalite', () => {
  const TableName = 'broken'
  const Item = { pk: 'a', sk: '1' }

  it('is a 500 for its request, and leaves the process and the item usable', async () => {
    await using at = await openFixture()
    await using engine = { ...(await acquireEngine(undefined)), [Symbol.asyncDispose]: () => releaseEngine(undefined) }
    const { StreamSpecification: _, ...input } = tableInput(TableName)
    await at.dynamo.createTable(input)
    await at.documents.send(new PutCommand({ TableName, Item }))
    for await (const [key] of engine.store.db.iterator(itemRange(TableName))) {
      await engine.store.db.put(key, { pk: { S: 'a' }, sk: { S: '1' }, bad: { L: 5 } }) // an invalid list
    }
    const { endpoint } = at.dynamo
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    await using plain = disposable(new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }))
    const once = DynamoDBDocumentClient.from(plain.client)
    const measured = { TableName, ReturnConsumedCapacity: 'TOTAL' } as const // dynalite throws when it measures the row

    const broken = { name: 'InternalServerError', $metadata: expect.objectContaining({ httpStatusCode: 500 }) }
    await expect(once.send(new PutCommand({ ...measured, Item }))).rejects.toMatchObject(broken)
    await expect(once.send(new GetCommand({ ...measured, Key: Item }))).rejects.toMatchObject(broken)
    await expect(once.send(new ScanCommand(measured))).rejects.toMatchObject(broken)

    await once.send(new PutCommand({ TableName, Item: { ...Item, n: 1 } })) // the item's lock was released
    expect((await once.send(new GetCommand({ ...measured, Key: Item }))).Item).toEqual({ ...Item, n: 1 })
  })
})

function disposable(client: DynamoDBClient) {
  return { client, [Symbol.asyncDispose]: async () => client.destroy() }
}

describe('an engine that is closed', () => {
  it('aborts the requests in flight without an unhandled error', async () => {
    const at = await openFixture()
    await at.dynamo.createTable(tableInput('ending'))
    const puts = Array.from({ length: 50 }, (_, i) =>
      at.documents.send(new PutCommand({ TableName: 'ending', Item: { pk: `${i}`, sk: '1' } })),
    )
    const outcomes = Promise.allSettled(puts)
    await puts[0]
    await at[Symbol.asyncDispose]()
    expect((await outcomes).some((outcome) => outcome.status === 'fulfilled')).toBe(true)
  })
})
