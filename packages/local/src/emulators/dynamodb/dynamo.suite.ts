import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { TableRequest } from '@trunkline/server/dynamodb'
import { createLocalClock, type LocalClock } from '../clock.ts'
import { type LocalDynamo, type LocalDynamoOptions, type StreamRecord, startDynamo } from './dynamo.ts'

/** A local DynamoDB with unchanged clients of the AWS SDK. */
export interface DynamoFixture extends AsyncDisposable {
  readonly clock: LocalClock
  readonly dynamo: LocalDynamo
  readonly plain: DynamoDBClient
  readonly documents: DynamoDBDocumentClient
  readonly streams: DynamoDBStreamsClient
}

/** Starts a fixture. Expired items are swept only on request, unless the options set an interval. */
export async function openFixture(options: Partial<LocalDynamoOptions> = {}): Promise<DynamoFixture> {
  const clock = createLocalClock()
  const dynamo = await startDynamo({ clock, sweepMs: Number.POSITIVE_INFINITY, ...options })
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const settings = { endpoint: dynamo.endpoint, region: 'us-east-1', credentials }
  const plain = new DynamoDBClient(settings)
  const streams = new DynamoDBStreamsClient(settings)
  return {
    ...{ clock, dynamo, plain, streams, documents: DynamoDBDocumentClient.from(plain) },
    async [Symbol.asyncDispose]() {
      plain.destroy()
      streams.destroy()
      await dynamo.close()
      clock.close()
    },
  }
}

/** The definition of a table with the string keys `pk` and `sk` and a stream of both images. */
export function tableInput(TableName: string): TableRequest {
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  }
}

/** All records of a table's stream that were not trimmed, shard by shard. */
export function recordsOf(dynamo: LocalDynamo, table: string): readonly StreamRecord[] {
  const stream = dynamo.stream(table)
  return stream.shards().flatMap((shard) => stream.read(shard, undefined, 100_000))
}
