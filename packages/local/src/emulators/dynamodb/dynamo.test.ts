import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConditionalCheckFailedException, DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { type DynamoFixture, openFixture, recordsOf, tableInput } from './dynamo.suite.ts'

describe('an engine', () => {
  it('is shared by all tenants in memory, and ends with the last one', async () => {
    await using first = await openFixture()
    await using second = await openFixture()
    expect(second.dynamo.endpoint).toBe(first.dynamo.endpoint)
    await first.dynamo.createTable(tableInput('first'))
    await second.dynamo.createTable(tableInput('second'))

    await first.dynamo.close()

    await expect(second.documents.send(new ScanCommand({ TableName: 'first' }))).rejects.toThrow('resource not found')
    expect((await second.documents.send(new ScanCommand({ TableName: 'second' }))).Count).toBe(0)
    await second.dynamo.close()
    await expect(fetch(second.dynamo.endpoint)).rejects.toThrow()
  })

  it('starts again without tables after the last close', async () => {
    await using first = await openFixture()
    await first.dynamo.createTable(tableInput('again'))
    const closing = first.dynamo.close()
    await using second = await openFixture()
    await closing
    await second.dynamo.createTable(tableInput('again'))
    expect((await second.documents.send(new ScanCommand({ TableName: 'again' }))).Count).toBe(0)
  })

  it('shows a table with its stream', async () => {
    await using at = await openFixture()
    await at.dynamo.createTable(tableInput('shown'))
    const { Table } = await at.plain.send(new DescribeTableCommand({ TableName: 'shown' }))
    expect(Table?.TableStatus).toBe('ACTIVE')
    expect(Table?.StreamSpecification).toEqual({ StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' })
    expect(Table?.LatestStreamLabel).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/)
    expect(Table?.LatestStreamArn).toBe(`${Table?.TableArn}/stream/${Table?.LatestStreamLabel}`)
  })

  it('rejects a table whose name is in use', async () => {
    await using at = await openFixture()
    await at.dynamo.createTable(tableInput('taken'))
    await expect(at.dynamo.createTable(tableInput('taken'))).rejects.toMatchObject({ name: 'ResourceInUseException' })
  })

  it('survives an aborted request and an invalid body', async () => {
    await using at = await openFixture()
    await at.dynamo.createTable(tableInput('tough'))
    const leaving = new AbortController()
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"TableName":'))
        setImmediate(() => leaving.abort())
      },
    })
    const headers = { 'x-amz-target': 'DynamoDB_20120810.PutItem', 'content-type': 'application/x-amz-json-1.0' }
    const cut = { method: 'POST', headers, body, duplex: 'half' as const, signal: leaving.signal }
    await expect(fetch(at.dynamo.endpoint, cut)).rejects.toThrow()
    expect((await fetch(at.dynamo.endpoint, { method: 'POST', headers, body: '{{' })).status).toBe(400)
    expect((await at.documents.send(new ScanCommand({ TableName: 'tough' }))).Count).toBe(0)
  })
})

describe('a data directory', () => {
  it('keeps rows, stream ARN and TTL across a restart, and no records', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'dynamo-'))
    const dataDir = join(parent, 'not', 'there', 'yet')
    const arn = await (async () => {
      await using at = await openFixture({ dataDir })
      await at.dynamo.createTable(tableInput('kept'))
      await at.dynamo.enableTtl('kept', 'expires')
      await at.documents.send(new PutCommand({ TableName: 'kept', Item: { pk: 'a', sk: '1', n: 1 } }))
      expect(recordsOf(at.dynamo, 'kept')).toHaveLength(1)
      return at.dynamo.stream('kept').arn
    })()

    await using at = await openFixture({ dataDir })
    await at.dynamo.createTable(tableInput('kept'))
    const { Item } = await at.documents.send(new GetCommand({ TableName: 'kept', Key: { pk: 'a', sk: '1' } }))
    expect(Item).toEqual({ pk: 'a', sk: '1', n: 1 })
    expect(at.dynamo.stream('kept').arn).toBe(arn)
    expect(recordsOf(at.dynamo, 'kept')).toEqual([])
    const expires = Math.floor(at.clock.now() / 1000) - 10
    await at.documents.send(new PutCommand({ TableName: 'kept', Item: { pk: 'b', sk: '1', expires } }))
    expect(await at.dynamo.sweep()).toBe(1)
    await at.dynamo.close()
    await rm(parent, { recursive: true })
  })

  it('is shared by all its users in the process, and separate from memory', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'dynamo-'))
    {
      await using memory = await openFixture()
      await using first = await openFixture({ dataDir })
      await using second = await openFixture({ dataDir })
      expect(second.dynamo.endpoint).toBe(first.dynamo.endpoint)
      expect(memory.dynamo.endpoint).not.toBe(first.dynamo.endpoint)
    }
    await rm(dataDir, { recursive: true })
  })
})

describe('a conditional write that fails', () => {
  const wish = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const

  async function failOn(at: DynamoFixture, TableName: string, extra: Partial<typeof wish>): Promise<unknown> {
    await at.dynamo.createTable(tableInput(TableName))
    await at.documents.send(new PutCommand({ TableName, Item: { pk: 'a', sk: '1', n: 1 } }))
    const conflict = { Item: { pk: 'a', sk: '1', n: 2 }, ConditionExpression: 'attribute_not_exists(pk)' }
    return at.documents.send(new PutCommand({ TableName, ...conflict, ...extra })).catch((error) => error)
  }

  it('returns the existing item on request', async () => {
    await using at = await openFixture()
    const error = await failOn(at, 'asked', wish)
    expect(error).toBeInstanceOf(ConditionalCheckFailedException)
    expect(error).toMatchObject({ Item: { pk: { S: 'a' }, sk: { S: '1' }, n: { N: '1' } } })
    expect(recordsOf(at.dynamo, 'asked')).toHaveLength(1)
  })

  it('returns no item without a request, or when the option disables it', async () => {
    await using at = await openFixture()
    await using without = await openFixture({ returnsOldItem: false })
    expect(await failOn(at, 'unasked', {})).toHaveProperty('Item', undefined)
    expect(await failOn(without, 'without', wish)).toHaveProperty('Item', undefined)
  })
})
