import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  type ShardIteratorType,
} from '@aws-sdk/client-dynamodb-streams'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { defined } from '@trunkline/protocol'
import { describe, expect, it } from 'vitest'
import { type DynamoFixture, openFixture, recordsOf, tableInput } from '../dynamo.suite.ts'

const TableName = 'api'

async function openTable(): Promise<DynamoFixture & { readonly StreamArn: string; readonly ShardId: string }> {
  const at = await openFixture({ shards: 1 })
  await at.dynamo.createTable(tableInput(TableName))
  const stream = at.dynamo.stream(TableName)
  return { ...at, StreamArn: stream.arn, ShardId: stream.shards()[0] ?? '' }
}

type Opened = Awaited<ReturnType<typeof openTable>>

const put = (at: Opened, n: number) =>
  at.documents.send(new PutCommand({ TableName, Item: { pk: 'a', sk: `${n}`, expires: 1 } }))

async function iterate(at: Opened, ShardIteratorType: ShardIteratorType, SequenceNumber?: string) {
  const { StreamArn, ShardId } = at
  const place = defined({ SequenceNumber })
  const { ShardIterator } = await at.streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType, ...place }),
  )
  return ShardIterator
}

async function read(at: Opened, ShardIterator: string | undefined, Limit = 1000) {
  const { Records = [], NextShardIterator } = await at.streams.send(new GetRecordsCommand({ ShardIterator, Limit }))
  return { names: Records.map((record) => record.dynamodb?.Keys?.sk?.S), Records, next: NextShardIterator }
}

describe('the API of streams', () => {
  it('lists and describes streams', async () => {
    await using at = await openFixture()
    await at.dynamo.createTable(tableInput('list-a'))
    await at.dynamo.createTable(tableInput('list-b'))
    const { Streams } = await at.streams.send(new ListStreamsCommand({ TableName: 'list-a' }))
    expect(Streams).toEqual([
      { TableName: 'list-a', StreamArn: at.dynamo.stream('list-a').arn, StreamLabel: expect.any(String) },
    ])
    const page = await at.streams.send(new ListStreamsCommand({ Limit: 1 }))
    const rest = await at.streams.send(new ListStreamsCommand({ ExclusiveStartStreamArn: page.LastEvaluatedStreamArn }))
    expect([page, rest].flatMap((found) => found.Streams?.map((s) => s.TableName))).toEqual(['list-a', 'list-b'])

    const { StreamArn } = Streams?.[0] ?? {}
    const { StreamDescription } = await at.streams.send(new DescribeStreamCommand({ StreamArn }))
    expect(StreamDescription).toMatchObject({
      ...{ StreamArn, TableName: 'list-a', StreamStatus: 'ENABLED', StreamViewType: 'NEW_AND_OLD_IMAGES' },
      CreationRequestDateTime: expect.any(Date),
      KeySchema: tableInput('list-a').KeySchema,
    })
    expect(StreamDescription?.Shards?.map((shard) => shard.ShardId)).toEqual(at.dynamo.stream('list-a').shards())
  })

  it('reads from the oldest record, page by page, and continues with later records', async () => {
    await using at = await openTable()
    for (const n of [1, 2, 3]) await put(at, n)
    const first = await read(at, await iterate(at, 'TRIM_HORIZON'), 2)
    const second = await read(at, first.next)
    const third = await read(at, second.next)
    await put(at, 4)
    const fourth = await read(at, third.next)
    expect([first, second, third, fourth].map((page) => page.names)).toEqual([['1', '2'], ['3'], [], ['4']])
  })

  it('reads from the latest, at, and after a sequence number', async () => {
    await using at = await openTable()
    for (const n of [1, 2, 3]) await put(at, n)
    const second = recordsOf(at.dynamo, TableName)[1]?.dynamodb.SequenceNumber
    const latest = await iterate(at, 'LATEST')
    await put(at, 4)
    expect((await read(at, latest)).names).toEqual(['4'])
    expect((await read(at, await iterate(at, 'AT_SEQUENCE_NUMBER', second))).names).toEqual(['2', '3', '4'])
    expect((await read(at, await iterate(at, 'AFTER_SEQUENCE_NUMBER', second))).names).toEqual(['3', '4'])
  })

  it("returns records in the API's own shape, with a date", async () => {
    await using at = await openTable()
    await at.dynamo.enableTtl(TableName, 'expires')
    const expires = Math.floor(at.clock.now() / 1000) - 1
    await at.documents.send(new PutCommand({ TableName, Item: { pk: 'a', sk: '1', expires } }))
    await at.dynamo.sweep()
    const { Records } = await read(at, await iterate(at, 'TRIM_HORIZON'))
    const Keys = { pk: { S: 'a' }, sk: { S: '1' } }
    expect(Records[0]).toEqual({
      ...{ eventID: expect.any(String), eventName: 'INSERT', eventVersion: '1.1', eventSource: 'aws:dynamodb' },
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: expect.any(Date),
        Keys,
        NewImage: { ...Keys, expires: { N: `${expires}` } },
        SequenceNumber: expect.any(String),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    })
    const created = Records[0]?.dynamodb?.ApproximateCreationDateTime?.getTime() ?? 0
    expect(Math.abs(created - at.clock.now())).toBeLessThan(5000)
    expect(Records[1]?.userIdentity).toEqual({ Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' })
  })

  it('rejects a reader that is behind the trim horizon', async () => {
    await using at = await openTable()
    for (const n of [1, 2]) await put(at, n)
    const [first] = recordsOf(at.dynamo, TableName)
    const behind = await iterate(at, 'AFTER_SEQUENCE_NUMBER', first?.dynamodb.SequenceNumber)
    const oldest = await iterate(at, 'TRIM_HORIZON')
    await at.clock.advance(25 * 3_600_000)
    await put(at, 3)
    await expect(read(at, behind)).rejects.toMatchObject({ name: 'TrimmedDataAccessException' })
    const late = iterate(at, 'AT_SEQUENCE_NUMBER', first?.dynamodb.SequenceNumber)
    await expect(late).rejects.toMatchObject({ name: 'TrimmedDataAccessException' })
    expect((await read(at, oldest)).names).toEqual(['3'])
  })

  it('rejects unknown input with a typed error', async () => {
    await using at = await openTable()
    const unknown = at.streams.send(new DescribeStreamCommand({ StreamArn: `${at.StreamArn}x` }))
    await expect(unknown).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await expect(read(at, 'nonsense')).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(iterate(at, 'AT_SEQUENCE_NUMBER')).rejects.toMatchObject({ name: 'ValidationException' })
  })
})
