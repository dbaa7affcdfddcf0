import { CreateTableCommand, DescribeTimeToLiveCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb'
import { PutCommand, type PutCommandInput, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { defined } from '@trunkline/protocol'
import { describe, expect, it } from 'vitest'
import { createLocalClock } from '../clock.ts'
import { type DynamoFixture, openFixture, recordsOf, tableInput } from './dynamo.suite.ts'

const TableName = 'expiring'

async function openTable(sweepMs?: number): Promise<DynamoFixture> {
  const at = await openFixture(defined({ sweepMs }))
  await at.dynamo.createTable(tableInput(TableName))
  await at.dynamo.enableTtl(TableName, 'expires')
  return at
}

const put = (at: DynamoFixture, sk: string, rest: PutCommandInput['Item'] = {}) =>
  at.documents.send(new PutCommand({ TableName, Item: { pk: 'a', sk, ...rest } }))

async function namesIn(at: DynamoFixture): Promise<unknown[]> {
  const { Items = [] } = await at.documents.send(new ScanCommand({ TableName }))
  return Items.map((item) => item.sk).sort()
}

describe('TTL', () => {
  it('deletes only items that have expired by the clock', async () => {
    await using at = await openTable()
    const now = Math.floor(at.clock.now() / 1000)
    await put(at, 'soon', { expires: now + 60 })
    await put(at, 'later', { expires: now + 7200 })
    await put(at, 'never')
    await put(at, 'text', { expires: `${now - 60}` })
    await put(at, 'ages ago', { expires: now - 6 * 365 * 86_400 })
    expect(await at.dynamo.sweep()).toBe(0)
    await at.clock.advance(61_000)
    expect(await namesIn(at)).toContain('soon') // expired, and still returned until a sweep
    expect(await at.dynamo.sweep()).toBe(1)
    expect(await namesIn(at)).toEqual(['ages ago', 'later', 'never', 'text'])
  })

  it('writes a record with the identity that deleted the item', async () => {
    await using at = await openTable()
    const expires = Math.floor(at.clock.now() / 1000) - 1
    await put(at, 'gone', { expires })
    await at.dynamo.sweep()
    const [insert, remove] = recordsOf(at.dynamo, TableName)
    expect(insert).not.toHaveProperty('userIdentity')
    expect(remove).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: { OldImage: { pk: { S: 'a' }, sk: { S: 'gone' }, expires: { N: `${expires}` } } },
    })
  })

  it('sweeps automatically as the clock advances, and once when it jumps', async () => {
    await using at = await openTable(60_000)
    const now = Math.floor(at.clock.now() / 1000)
    await put(at, 'soon', { expires: now + 30 })
    await put(at, 'later', { expires: now + 7000 })
    const gone = new Promise<void>((resolve) => {
      let left = 2
      at.dynamo.stream(TableName).onRecord((record) => {
        if (record.eventName === 'REMOVE' && --left === 0) resolve()
      })
    })
    await at.clock.advance(7_200_000)
    await gone
    expect(await namesIn(at)).toEqual([])
  })

  it('uses the clock of the tenant that created the table', async () => {
    await using at = await openTable()
    const clock = createLocalClock()
    await using other = await openFixture({ clock })
    await put(at, 'mine', { expires: Math.floor(at.clock.now() / 1000) + 60 })
    await clock.advance(3_600_000)
    expect(await other.dynamo.sweep()).toBe(0)
    await at.clock.advance(3_600_000)
    expect(await at.dynamo.sweep()).toBe(1)
    clock.close()
  })

  it("sweeps a foreign client's tables by the clock of the oldest tenant", async () => {
    await using first = await openFixture()
    await using second = await openFixture()
    await second.plain.send(new CreateTableCommand(tableInput(TableName)))
    const TimeToLiveSpecification = { AttributeName: 'expires', Enabled: true }
    await second.plain.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
    await put(second, 'old', { expires: Math.floor(first.clock.now() / 1000) - 10 })
    expect(await second.dynamo.sweep()).toBe(0)
    expect(await first.dynamo.sweep()).toBe(1)
  })

  it('is described, enabled and disabled by the SDK', async () => {
    await using at = await openFixture()
    await at.dynamo.createTable(tableInput(TableName))
    const describeTtl = async () =>
      (await at.plain.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription
    const update = (Enabled: boolean) =>
      at.plain.send(
        new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName: 'expires', Enabled } }),
      )
    expect(await describeTtl()).toEqual({ TimeToLiveStatus: 'DISABLED' })
    const { TimeToLiveSpecification } = await update(true)
    expect(TimeToLiveSpecification).toEqual({ AttributeName: 'expires', Enabled: true })
    expect(await describeTtl()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' })
    await expect(update(true)).rejects.toThrow('TimeToLive is already enabled')
    await update(false)
    expect(await describeTtl()).toEqual({ TimeToLiveStatus: 'DISABLED' })
    await expect(at.plain.send(new DescribeTimeToLiveCommand({ TableName: 'nowhere' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })
})
