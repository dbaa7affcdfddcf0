import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { createLocalClock } from '../clock.ts'
import { startDynamo } from '../dynamodb/dynamo.ts'
import { createFunctions } from './functions.ts'

test('puts to a table reach a function through the real stream, each item in order', async () => {
  const clock = createLocalClock()
  const functions = await createFunctions({ clock })
  const dynamo = await startDynamo({ clock })
  const TableName = `functions-${process.pid}`
  await dynamo.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  })
  const seen: string[] = []
  const handler = async (event: unknown) => {
    const { Records } = event as { Records: { dynamodb: { NewImage: { pk: { S: string }; n: { N: string } } } }[] }
    for (const { dynamodb } of Records) seen.push(`${dynamodb.NewImage.pk.S}${dynamodb.NewImage.n.N}`)
  }
  functions.register({ name: 'tableStream', timeoutMs: 60_000, run: { kind: 'in-process', handler } })
  functions.mapStream({
    stream: dynamo.stream(TableName),
    functionName: 'tableStream',
    filter: (record) => record.eventName === 'INSERT' || record.dynamodb.Keys.pk?.S !== 'ignored',
    parallelizationFactor: 2,
  })
  const client = new DynamoDBClient({
    endpoint: dynamo.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  for (const n of [1, 2, 3]) {
    for (const pk of ['a', 'b', 'ignored'])
      await client.send(new PutItemCommand({ TableName, Item: { pk: { S: pk }, n: { N: String(n) } } }))
  }
  await functions.idle()
  expect(seen.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3'])
  expect(seen.filter((name) => name.startsWith('b'))).toEqual(['b1', 'b2', 'b3'])
  expect(seen).toContain('ignored1')
  expect(seen).not.toContain('ignored2')
  client.destroy()
  await functions.close()
  await dynamo.close()
  clock.close()
})
