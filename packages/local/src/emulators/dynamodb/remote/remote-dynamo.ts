import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { LocalClock } from '../../clock.ts'
import type { LocalDynamo } from '../dynamo.ts'
import { patchDynalite } from '../requests/patch.ts'
import type { TableDescription } from '../rows/dynalite.ts'
import { createStreamLog, type StreamLog } from '../rows/streams.ts'
import { defaultStreamRecords } from '../rows/tables.ts'
import { createStreamReader, type StreamReader } from './remote-stream.ts'

export interface RemoteDynamoOptions {
  readonly clock: LocalClock
  /** `http://localhost:8000`: the endpoint of DynamoDB and of its streams. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** True: existing tables are used, and all tables are kept. False: tables must be new, and `close` drops them. */
  readonly keepsTables: boolean
}

interface RemoteTable {
  readonly log: StreamLog
  readonly reader: StreamReader
}

const pollMs = 100 // machine time: the remote DynamoDB does not know the line's clock

/**
 * Connects to a DynamoDB that runs elsewhere, such as DynamoDB Local. Each table's stream is read through its API into
 * a log in this process, from which mappings read. Rejects with the SDK's error when the endpoint does not respond.
 */
export async function connectDynamo(options: RemoteDynamoOptions): Promise<LocalDynamo> {
  const { endpoint, region, credentials, clock, keepsTables } = options
  const sdk = await import('./remote-sdk.ts')
  const client = new sdk.DynamoDBClient({ endpoint, region, credentials })
  const tables = new Map<string, RemoteTable>()
  const created: string[] = []
  let closed: Promise<void> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function create(input: CreateTableCommandInput): Promise<'new' | 'kept'> {
    try {
      await client.send(new sdk.CreateTableCommand(input))
      return 'new'
    } catch (error) {
      if (keepsTables && error instanceof sdk.ResourceInUseException) return 'kept'
      throw error
    }
  }
  async function poll(): Promise<void> {
    // an endpoint that is temporarily unavailable is polled again
    await Promise.all([...tables.values()].map(({ reader }) => reader.read().catch(() => {})))
    if (closed === undefined) timer = setTimeout(poll, pollMs)
  }
  async function end(): Promise<void> {
    clearTimeout(timer)
    for (const { reader } of tables.values()) reader.close()
    // the endpoint may be unavailable
    if (!keepsTables)
      for (const TableName of created) await client.send(new sdk.DeleteTableCommand({ TableName })).catch(() => {})
    client.destroy()
  }
  timer = setTimeout(poll, pollMs)
  return {
    endpoint,
    async createTable(input) {
      const name = input.TableName
      const state = await create(input as CreateTableCommandInput)
      if (state === 'new') created.push(name)
      const description = await describe(client, name)
      const arn = description.LatestStreamArn
      if (arn === undefined)
        throw new Error(
          `Expected table ${name} at ${endpoint} to have a stream. Enable it with new and old images, or drop the table.`,
        )
      const { itemSize } = patchDynalite().db
      const log = createStreamLog(description, {
        now: clock.now,
        createdAt: clock.now(),
        shards: 4,
        keptRecords: defaultStreamRecords,
        itemSize,
      })
      const from = state === 'new' ? 'TRIM_HORIZON' : 'LATEST'
      const reader = await createStreamReader({ endpoint, region, credentials, arn, from, append: log.append })
      tables.set(name, { log, reader })
    },
    async enableTtl(TableName, AttributeName) {
      const { TimeToLiveDescription: known } = await client.send(new sdk.DescribeTimeToLiveCommand({ TableName }))
      if (known?.AttributeName === AttributeName && known.TimeToLiveStatus?.startsWith('ENABL')) return
      const TimeToLiveSpecification = { AttributeName, Enabled: true }
      await client.send(new sdk.UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
    },
    stream(name) {
      const table = tables.get(name)
      if (table !== undefined) return table.log
      throw new Error(`Table ${name} at ${endpoint} was not created by this line. Create it with createTable.`)
    },
    sweep: async () => 0,
    async settled() {
      const counts = await Promise.all([...tables.values()].map(({ reader }) => reader.read().catch(() => 0)))
      return counts.some((count) => count > 0)
    },
    close() {
      closed ??= end()
      return closed
    },
  }
}

async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription> {
  const { DescribeTableCommand, waitUntilTableExists } = await import('./remote-sdk.ts')
  await waitUntilTableExists({ client, minDelay: 0.05, maxDelay: 0.5, maxWaitTime: 60 }, { TableName })
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  return Table as unknown as TableDescription // the members that we read are those of DescribeTable's response
}
