import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { TableRequest } from '@trunkline/server/dynamodb'

/** Creates and drops tables through the SDK. */
export interface TableMaker {
  create(input: TableRequest): Promise<void>
  /** Drops all tables that `create` created. */
  dropAll(): Promise<void>
  close(): void
}

/** Creates a table maker. It loads the SDK for its first table, so that an engine without tables does not load it. */
export function createTableMaker(endpoint: string): TableMaker {
  const made: string[] = []
  let opened: Promise<{ sdk: typeof import('./sdk.ts'); client: DynamoDBClient }> | undefined

  function open() {
    opened ??= import('./sdk.ts').then((sdk) => ({ sdk, client: createClient(sdk, endpoint) }))
    return opened
  }
  async function isActive(TableName: string): Promise<boolean> {
    const { sdk, client } = await open()
    const { Table } = await client.send(new sdk.DescribeTableCommand({ TableName }))
    return Table?.TableStatus === 'ACTIVE'
  }
  async function drop(TableName: string): Promise<void> {
    const { sdk, client } = await open()
    await client.send(new sdk.DeleteTableCommand({ TableName })).catch((error) => {
      if (!(error instanceof sdk.ResourceNotFoundException)) throw error // another client dropped it
    })
  }
  return {
    async create(input) {
      const { sdk, client } = await open()
      const name = input.TableName
      await client.send(new sdk.CreateTableCommand(input))
      made.push(name)
      while (!(await isActive(name))); // dynalite responds CREATING first, and the table is ACTIVE a millisecond later
    },
    async dropAll() {
      await Promise.all(made.splice(0).map(drop))
    },
    close() {
      void opened?.then(({ client }) => client.destroy())
    },
  }
}

function createClient(sdk: typeof import('./sdk.ts'), endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new sdk.DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
}
