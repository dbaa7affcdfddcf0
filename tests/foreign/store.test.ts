import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDynamoStore } from '../../packages/server/src/dynamodb/store.ts'
import { lineTable } from '../../packages/server/src/dynamodb/table.ts'
import { storeSuite } from '../../packages/server/src/ports/testing/index.ts'
import { findDynamoLocal, startDynamoLocal } from './dynamodb-local.ts'

const folder = findDynamoLocal()
const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }

describe.skipIf(folder === undefined)("the store's suite on AWS's DynamoDB Local, which needs Java", () => {
  let local: Awaited<ReturnType<typeof startDynamoLocal>>
  beforeAll(async () => {
    local = await startDynamoLocal(folder ?? '')
    const client = new DynamoDBClient({ ...access, endpoint: local.endpoint })
    await client.send(new CreateTableCommand(lineTable('line')))
    client.destroy()
  })
  afterAll(() => local.close())

  storeSuite(
    { describe, it },
    {
      name: 'dynamodb',
      createStore: () =>
        createDynamoStore({ ...access, table: 'line', endpoint: local.endpoint, requestTimeoutMs: 15_000 }),
    },
  )

  it('runs on a table of its own', () => {
    expect(local.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:/)
  })
})
