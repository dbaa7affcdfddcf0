import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import type { LocalLine } from '@trunkline/local'
import { createDynamoStore } from '@trunkline/server/dynamodb'
import type { router } from './application.ts'

const concurrentPuts = 25
const requestTimeoutMs = 30_000 // a busy machine answers late
const lifeSeconds = 7_200

function clientOf(local: LocalLine<typeof router>) {
  const {
    TRUNKLINE_TABLE: table = '',
    AWS_REGION: region = '',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint = '',
  } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const store = createDynamoStore({ table, region, endpoint, credentials, requestTimeoutMs })
  return { table, store, client: new DynamoDBClient({ region, endpoint, credentials }) }
}

/** The ids of the connections that are open. */
export async function openConnections(local: LocalLine<typeof router>): Promise<readonly string[]> {
  const { table, client } = clientOf(local)
  const found = await connectionsIn(client, table)
  client.destroy()
  return found
}

/**
 * Writes the rows of a subscribe of each connection to each topic, without the frames. The delivery to them is real.
 */
export async function seed(local: LocalLine<typeof router>, topics: readonly string[]): Promise<void> {
  const { table, store, client } = clientOf(local)
  const connections = await connectionsIn(client, table)
  const rows = connections.flatMap((connectionId) =>
    topics.map((topic, index) => ({
      topic: `events?topic=s:${topic}`,
      shard: 0,
      connectionId,
      id: `"s${index}"`,
      ref: 1,
      on: true,
      path: 'live',
      input: JSON.stringify({ topic }),
      extensions: true,
      expires: Math.ceil(Date.now() / 1_000) + lifeSeconds,
    })),
  )
  let next = 0
  const worker = async () => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++]) await store.putSubscriber(row)
  }
  await Promise.all(Array.from({ length: concurrentPuts }, worker))
  client.destroy()
}

async function connectionsIn(client: DynamoDBClient, table: string): Promise<readonly string[]> {
  const found: string[] = []
  let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey']
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({
        TableName: table,
        FilterExpression: 'begins_with(pk, :connection) AND #state = :open',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':connection': { S: 'CONN#' }, ':open': { S: 'OPEN' } },
        ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
      }),
    )
    for (const { pk } of page.Items ?? []) if (pk?.S !== undefined) found.push(pk.S.slice('CONN#'.length))
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey !== undefined)
  return found
}
