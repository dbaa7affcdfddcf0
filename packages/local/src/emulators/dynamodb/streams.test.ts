import { GetShardIteratorCommand } from '@aws-sdk/client-dynamodb-streams'
import {
  BatchWriteCommand,
  DeleteCommand,
  PutCommand,
  type PutCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { type DynamoFixture, openFixture, recordsOf, tableInput } from './dynamo.suite.ts'
import type { StreamRecord } from './dynamo.ts'

const TableName = 'streamed'

async function openTable(): Promise<DynamoFixture> {
  const at = await openFixture()
  await at.dynamo.createTable(tableInput(TableName))
  return at
}

function put(at: DynamoFixture, Item: NonNullable<PutCommandInput['Item']>) {
  return at.documents.send(new PutCommand({ TableName, Item }))
}

const Key = { pk: 'a', sk: '1' }
const Keys = { pk: { S: 'a' }, sk: { S: '1' } }
const changesOf = (records: readonly StreamRecord[]) =>
  records.map(({ eventName, dynamodb: { Keys, NewImage, OldImage } }) => ({ eventName, Keys, NewImage, OldImage }))

describe('a stream', () => {
  it('has records with every field that Lambda receives', async () => {
    await using at = await openTable()
    await put(at, { ...Key, n: 1 })
    const [record] = recordsOf(at.dynamo, TableName)
    expect(record).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: expect.closeTo(at.clock.now() / 1000, -1),
        Keys,
        NewImage: { ...Keys, n: { N: '1' } },
        SequenceNumber: expect.stringMatching(/^[1-9]\d{20,39}$/),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: expect.stringMatching(/^arn:aws:dynamodb:us-east-1:\d{12}:table\/streamed\/stream\/.+/),
    })
    expect(Number.isInteger(record?.dynamodb.ApproximateCreationDateTime)).toBe(true)
  })

  it('has both images of a put, an update and a delete', async () => {
    await using at = await openTable()
    const [one, two, three] = [1, 2, 3].map((n) => ({ ...Keys, n: { N: `${n}` } }))
    await put(at, { ...Key, n: 1 })
    await put(at, { ...Key, n: 2 })
    const add = { UpdateExpression: 'ADD n :one', ExpressionAttributeValues: { ':one': 1 } }
    await at.documents.send(new UpdateCommand({ TableName, Key, ...add }))
    await at.documents.send(new DeleteCommand({ TableName, Key }))
    expect(changesOf(recordsOf(at.dynamo, TableName))).toEqual([
      { eventName: 'INSERT', Keys, NewImage: one, OldImage: undefined },
      { eventName: 'MODIFY', Keys, NewImage: two, OldImage: one },
      { eventName: 'MODIFY', Keys, NewImage: three, OldImage: two },
      { eventName: 'REMOVE', Keys, NewImage: undefined, OldImage: three },
    ])
  })

  it('has one record for each item of a batch', async () => {
    await using at = await openTable()
    await put(at, { pk: 'old', sk: '1' })
    const puts = ['a', 'b', 'c'].map((pk) => ({ PutRequest: { Item: { pk, sk: '1' } } }))
    const requests = [...puts, { DeleteRequest: { Key: { pk: 'old', sk: '1' } } }]
    await at.documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: requests } }))
    const changes = recordsOf(at.dynamo, TableName).map((record) => `${record.eventName} ${record.dynamodb.Keys.pk?.S}`)
    expect(changes.sort()).toEqual(['INSERT a', 'INSERT b', 'INSERT c', 'INSERT old', 'REMOVE old'])
  })

  it('has no record of a write that changes nothing', async () => {
    await using at = await openTable()
    const Item = { ...Key, list: [1, { deep: 'x' }], tags: new Set(['a', 'b']), bytes: new Uint8Array([1, 2]) }
    await put(at, Item)
    await put(at, { ...Item, tags: new Set(['b', 'a']) })
    const same = { UpdateExpression: 'SET #l = :l', ExpressionAttributeNames: { '#l': 'list' } }
    await at.documents.send(
      new UpdateCommand({ TableName, Key, ...same, ExpressionAttributeValues: { ':l': Item.list } }),
    )
    await at.documents.send(new DeleteCommand({ TableName, Key: { pk: 'never', sk: 'there' } }))
    expect(recordsOf(at.dynamo, TableName)).toHaveLength(1)
    await put(at, { ...Item, list: [1, { deep: 'y' }] })
    expect(recordsOf(at.dynamo, TableName)).toHaveLength(2)
  })

  it('keeps the order of each item under concurrent writers, each image the one before', async () => {
    await using at = await openTable()
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const add = { UpdateExpression: 'ADD n :one', ExpressionAttributeValues: { ':one': 1 } }
    const writes = Array.from({ length: 60 }, (_, i) => names[i % names.length])
    await Promise.all(
      writes.map((pk) => at.documents.send(new UpdateCommand({ TableName, Key: { pk, sk: '1' }, ...add }))),
    )
    const stream = at.dynamo.stream(TableName)
    for (const name of names) {
      const homes = stream
        .shards()
        .map((shard) => stream.read(shard, undefined, 1000).filter((r) => r.dynamodb.Keys.pk?.S === name))
      const [records = [], ...others] = homes.filter((found) => found.length > 0)
      expect(others).toEqual([])
      expect(records.map((r) => r.dynamodb.NewImage?.n?.N)).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 1}`))
      expect(records.slice(1).map((r) => r.dynamodb.OldImage)).toEqual(
        records.slice(0, -1).map((r) => r.dynamodb.NewImage),
      )
      const sequences = records.map((r) => BigInt(r.dynamodb.SequenceNumber))
      expect(sequences.every((n, i) => i === 0 || n > (sequences[i - 1] ?? n))).toBe(true)
    }
  })

  it('spreads partitions over four shards and continues reading from a sequence number', async () => {
    await using at = await openTable()
    await Promise.all(Array.from({ length: 40 }, (_, i) => put(at, { pk: `p${i}`, sk: '1' })))
    const stream = at.dynamo.stream(TableName)
    expect(stream.shards()).toHaveLength(4)
    for (const shard of stream.shards()) {
      const all = stream.read(shard, undefined, 100)
      expect(all.length).toBeGreaterThan(1)
      expect(stream.read(shard, all[0]?.dynamodb.SequenceNumber, 1)).toEqual([all[1]])
      expect(stream.read(shard, all.at(-1)?.dynamodb.SequenceNumber, 1)).toEqual([])
    }
  })

  it('calls its listeners before the writer gets a response, until they unsubscribe', async () => {
    await using at = await openTable()
    const stream = at.dynamo.stream(TableName)
    const received: string[] = []
    const stop = stream.onRecord((record, shard) => {
      expect(stream.read(shard, undefined, 10)).toContain(record)
      received.push(record.eventName)
    })
    await put(at, Key)
    expect(received).toEqual(['INSERT'])
    stop()
    await put(at, { ...Key, n: 1 })
    expect(received).toEqual(['INSERT'])
  })

  it('drops records after 24 hours of the clock', async () => {
    await using at = await openTable()
    await put(at, { ...Key, n: 1 })
    await at.clock.advance(23 * 3_600_000)
    await put(at, { ...Key, n: 2 })
    expect(recordsOf(at.dynamo, TableName)).toHaveLength(2)
    await at.clock.advance(3_600_001)
    expect(recordsOf(at.dynamo, TableName).map((r) => r.eventName)).toEqual(['MODIFY'])
  })

  it('drops the oldest records beyond the set number after every reader has passed them', async () => {
    await using at = await openFixture({ shards: 1, streamRecords: 2 })
    await at.dynamo.createTable(tableInput(TableName))
    const stream = at.dynamo.stream(TableName)
    const [shard = ''] = stream.shards()
    const [quick, slow] = [stream.follow(shard), stream.follow(shard)]
    const writeFrom = async (first: number) => {
      for (let n = first; n < first + 5; n++) await put(at, { ...Key, n })
      return stream.read(shard, undefined, 100)
    }
    const records = await writeFrom(0)
    expect(records).toHaveLength(5)
    quick.passed(records[4]?.dynamodb.SequenceNumber ?? '')
    slow.passed(records[1]?.dynamodb.SequenceNumber ?? '')
    const left = await writeFrom(5)
    expect(left).toHaveLength(8)
    expect(left[0]).toEqual(records[2])
    slow.close()
    expect(await writeFrom(10)).toHaveLength(10) // from the position of the fast reader
    quick.close()
    expect(await writeFrom(15)).toHaveLength(2)
    const start = { StreamArn: stream.arn, ShardId: shard, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' } as const
    const SequenceNumber = records[0]?.dynamodb.SequenceNumber
    await expect(at.streams.send(new GetShardIteratorCommand({ ...start, SequenceNumber }))).rejects.toThrow(
      'past the oldest stream record',
    )
  })

  it.each([-1, 1.5, Number.NaN])('rejects streamRecords of %s', async (streamRecords) => {
    await expect(openFixture({ streamRecords })).rejects.toThrow('streamRecords to be a whole number from 0')
  })

  it('contains the images of its view type', async () => {
    await using at = await openFixture()
    const images: Record<string, unknown[]> = {}
    for (const StreamViewType of ['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE'] as const) {
      const name = `view-${StreamViewType}`
      await at.dynamo.createTable({ ...tableInput(name), StreamSpecification: { StreamEnabled: true, StreamViewType } })
      await at.documents.send(new PutCommand({ TableName: name, Item: { ...Key, n: 1 } }))
      await at.documents.send(new PutCommand({ TableName: name, Item: { ...Key, n: 2 } }))
      images[StreamViewType] = changesOf(recordsOf(at.dynamo, name)).map((c) => [c.OldImage?.n?.N, c.NewImage?.n?.N])
    }
    expect(images).toEqual({
      KEYS_ONLY: [
        [undefined, undefined],
        [undefined, undefined],
      ],
      NEW_IMAGE: [
        [undefined, '1'],
        [undefined, '2'],
      ],
      OLD_IMAGE: [
        [undefined, undefined],
        ['1', undefined],
      ],
    })
  })

  it('is an error for a table without a stream', async () => {
    await using at = await openFixture()
    const { StreamSpecification: _, ...input } = tableInput('plain')
    await at.dynamo.createTable(input)
    await at.documents.send(new PutCommand({ TableName: 'plain', Item: Key }))
    expect(() => at.dynamo.stream('plain')).toThrow('Table plain has no stream')
  })
})
