import {
  ExecuteStatementCommand,
  ExecuteTransactionCommand,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb'
import { ListStreamsCommand } from '@aws-sdk/client-dynamodb-streams'
import { GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DynamoFixture, openFixture, recordsOf, tableInput } from '../dynamo.suite.ts'

let at: DynamoFixture
let table = ''
let count = 0

beforeAll(async () => {
  at = await openFixture()
})
beforeEach(async () => {
  table = `transact-${++count}`
  await at.dynamo.createTable(tableInput(table))
})
afterAll(() => at[Symbol.asyncDispose]())

const keyOf = (pk: string) => ({ pk: { S: pk }, sk: { S: '1' } })
const put = (pk: string, n = 1, more: object = {}): TransactWriteItem => ({
  Put: { TableName: table, Item: { ...keyOf(pk), n: { N: String(n) } }, ...more },
})
const check = (pk: string, condition: string, more: object = {}): TransactWriteItem => ({
  ConditionCheck: { TableName: table, Key: keyOf(pk), ConditionExpression: condition, ...more },
})
const add = (pk: string, by: number, more: object = {}): TransactWriteItem => ({
  Update: {
    TableName: table,
    Key: keyOf(pk),
    UpdateExpression: 'ADD n :by',
    ExpressionAttributeValues: { ':by': { N: String(by) } },
    ...more,
  },
})
const write = (items: TransactWriteItem[], more: Partial<TransactWriteItemsCommandInput> = {}, { plain } = at) =>
  plain.send(new TransactWriteItemsCommand({ TransactItems: items, ...more }))
const errorOf = (items: TransactWriteItem[], more: Partial<TransactWriteItemsCommandInput> = {}) =>
  write(items, more).then(
    () => expect.unreachable('The transaction was done.'),
    (error: unknown) => error,
  )
const read = async (pk: string) =>
  (await at.documents.send(new GetCommand({ TableName: table, Key: { pk, sk: '1' } }))).Item?.['n']

describe('TransactWriteItems', () => {
  test('puts, updates, deletes and checks together, and writes stream records in order', async () => {
    await write([put('a'), put('gone')])
    await write([
      check('a', 'n = :n', { ExpressionAttributeValues: { ':n': { N: '1' } } }),
      put('b', 2),
      add('c', 3),
      { Delete: { TableName: table, Key: keyOf('gone') } },
    ])
    expect(await Promise.all(['a', 'b', 'c', 'gone'].map(read))).toEqual([1, 2, 3, undefined])
    const received = recordsOf(at.dynamo, table).map(({ eventName, dynamodb }) => [eventName, dynamodb.Keys['pk']?.S])
    expect(received.sort()).toEqual([
      ['INSERT', 'a'],
      ['INSERT', 'b'],
      ['INSERT', 'c'],
      ['INSERT', 'gone'],
      ['REMOVE', 'gone'],
    ])
    const removed = recordsOf(at.dynamo, table).find(({ eventName }) => eventName === 'REMOVE')
    expect(removed?.dynamodb.OldImage).toEqual({ ...keyOf('gone'), n: { N: '1' } })
    expect(removed).not.toHaveProperty('userIdentity')
  })

  test('writes nothing when one item is rejected, and gives the reason of each in order', async () => {
    await write([put('a', 7)])
    const records = recordsOf(at.dynamo, table).length
    const fresh = { ConditionExpression: 'attribute_not_exists(pk)' }
    const error = await errorOf([
      put('b'),
      put('a', 8, { ...fresh, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      { Update: { TableName: table, Key: keyOf('c'), UpdateExpression: 'SET n = n + n' } },
      add('a2', 1, { ConditionExpression: 'attribute_exists(pk)' }),
      { Delete: { TableName: table, Key: { pk: { N: '1' }, sk: { S: '1' } } } },
      check('a3', 'attribute_exists(pk)', { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      { Delete: { TableName: table, Key: keyOf('a4') } },
    ])
    expect(error).toMatchObject({
      name: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
        '[None, ConditionalCheckFailed, ValidationError, ConditionalCheckFailed, ValidationError, ' +
        'ConditionalCheckFailed, None]',
    })
    const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' }
    expect((error as { CancellationReasons: unknown }).CancellationReasons).toEqual([
      { Code: 'None' },
      { ...failed, Item: { ...keyOf('a'), n: { N: '7' } } },
      {
        Code: 'ValidationError',
        Message: 'The provided expression refers to an attribute that does not exist in the item',
      },
      failed,
      { Code: 'ValidationError', Message: 'The provided key element does not match the schema' },
      failed,
      { Code: 'None' },
    ])
    expect(await Promise.all(['a', 'b', 'a2'].map(read))).toEqual([7, undefined, undefined])
    expect(recordsOf(at.dynamo, table)).toHaveLength(records)
  })

  test.each<[string, (name: string) => TransactWriteItem[], string]>([
    ['no items', () => [], 'greater than or equal to 1'],
    ['101 items', () => Array.from({ length: 101 }, (_, i) => put(`x${i}`)), 'less than or equal to 100'],
    ['an item of no kind', () => [{}], 'can only contain one of'],
    ['an item of two kinds', () => [{ ...put('a'), ...add('b', 1) }], 'can only contain one of'],
    ['one item twice', () => [put('a'), add('a', 1)], 'multiple operations on one item'],
    ['a check and a put of one item', () => [check('a', 'attribute_exists(pk)'), put('a')], 'multiple operations'],
    ['an invalid expression', () => [put('a', 1, { ConditionExpression: 'nonsense(' })], 'Syntax error'],
    ['a value nobody names', () => [put('a', 1, { ExpressionAttributeValues: { ':x': { S: 'x' } } })], 'can only be'],
    ['an item of 410 KB', () => [put('a', 1, { Item: { ...keyOf('a'), t: { S: 'x'.repeat(420_000) } } })], 'size'],
    [
      'more than 4 MB',
      () =>
        Array.from({ length: 12 }, (_, i) =>
          put('a', 1, { Item: { ...keyOf(`big${i}`), t: { S: 'x'.repeat(390_000) } } }),
        ),
      'cannot exceed 4MB',
    ],
  ])('rejects %s completely', async (_, items, message) => {
    const error = await errorOf(items(table))
    expect(error).toMatchObject({ name: 'ValidationException', message: expect.stringContaining(message) })
    expect((await at.documents.send(new ScanCommand({ TableName: table }))).Count).toBe(0)
  })

  test('accepts 100 items in two tables, and updates their indexes', async () => {
    const other = `${table}-other`
    const index = {
      IndexName: 'byN',
      KeySchema: [{ AttributeName: 'n', KeyType: 'HASH' as const }],
      Projection: { ProjectionType: 'ALL' as const },
    }
    const input = tableInput(other)
    await at.dynamo.createTable({
      ...input,
      AttributeDefinitions: [...(input.AttributeDefinitions ?? []), { AttributeName: 'n', AttributeType: 'N' }],
      GlobalSecondaryIndexes: [index],
    } as typeof input)
    const items = Array.from({ length: 100 }, (_, i): TransactWriteItem => {
      const Item = { ...keyOf(`x${i}`), n: { N: String(i % 10) } }
      return { Put: { TableName: i % 2 === 0 ? table : other, Item } }
    })
    await write(items)
    const byN = (n: number) =>
      at.plain.send(
        new QueryCommand({
          TableName: other,
          IndexName: 'byN',
          KeyConditionExpression: 'n = :n',
          ExpressionAttributeValues: { ':n': { N: String(n) } },
        }),
      )
    expect((await byN(3)).Count).toBe(10)
    await write([{ Update: { ...add('x3', 1).Update, TableName: other } as TransactWriteItem['Update'] }])
    await write([{ Delete: { TableName: other, Key: keyOf('x13') } }])
    expect([(await byN(3)).Count, (await byN(4)).Count]).toEqual([8, 1])
    expect((await at.documents.send(new ScanCommand({ TableName: table }))).Count).toBe(50)
  })

  test('shows no other request a part, and loses no concurrent write', async () => {
    await write([put('a', 0), put('b', 0)])
    const seen: unknown[] = []
    const moves = Array.from({ length: 20 }, () => write([add('a', -1), add('b', 1)]))
    const plain = Array.from({ length: 10 }, () =>
      at.documents.send(
        new UpdateCommand({
          TableName: table,
          Key: { pk: 'b', sk: '1' },
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': 0 },
        }),
      ),
    )
    const reads = Array.from({ length: 20 }, async () => {
      const scanned = await at.documents.send(new ScanCommand({ TableName: table }))
      seen.push((scanned.Items ?? []).reduce((sum, item) => sum + Number(item['n']), 0))
      const Get = (pk: string) => ({ Get: { TableName: table, Key: keyOf(pk) } })
      const got = await at.plain.send(new TransactGetItemsCommand({ TransactItems: [Get('a'), Get('b')] }))
      seen.push((got.Responses ?? []).reduce((sum, { Item }) => sum + Number(Item?.['n']?.N), 0))
    })
    await Promise.all([...moves, ...plain, ...reads])
    expect(new Set(seen)).toEqual(new Set([0]))
    expect([await read('a'), await read('b')]).toEqual([-20, 20])
  })

  test('accepts transactions that name the same items in opposite orders', async () => {
    const both = Array.from({ length: 20 }, (_, i) =>
      write(i % 2 ? [add('a', 1), add('b', 1)] : [add('b', 1), add('a', 1)]),
    )
    await Promise.all(both)
    expect([await read('a'), await read('b')]).toEqual([20, 20])
  })

  test('accepts one of several concurrent bids', async () => {
    await write([put('auction', 0)])
    const bids = Array.from({ length: 10 }, (_, i) => {
      const open = {
        ConditionExpression: 'n = :zero',
        ExpressionAttributeValues: { ':by': { N: '5' }, ':zero': { N: '0' } },
      }
      return write([add('auction', 5, open), put(`bid${i}`)]).then(
        () => 'won',
        (error: { name: string }) => error.name,
      )
    })
    const outcomes = await Promise.all(bids)
    expect(outcomes.sort()).toEqual([...Array(9).fill('TransactionCanceledException'), 'won'])
    expect((await at.documents.send(new ScanCommand({ TableName: table }))).Count).toBe(2)
  })

  test('runs a request that is repeated with its token once, for 10 minutes', async () => {
    const once = { ClientRequestToken: 'once', ReturnConsumedCapacity: 'TOTAL' } as const
    const first = await write([add('a', 1)], once)
    const again = await write([add('a', 1)], once)
    expect(await read('a')).toBe(1)
    expect(first.ConsumedCapacity).toEqual([{ TableName: table, CapacityUnits: 2, WriteCapacityUnits: 2 }])
    expect(again.ConsumedCapacity).toEqual([{ TableName: table, CapacityUnits: 2, ReadCapacityUnits: 2 }])
    expect(await errorOf([add('a', 2)], once)).toMatchObject({ name: 'IdempotentParameterMismatchException' })
    await at.clock.advance(599_000)
    await write([add('a', 1)], once)
    expect(await read('a')).toBe(1)
    await at.clock.advance(2_000)
    await write([add('a', 1)], once)
    expect(await read('a')).toBe(2)
  })

  test('runs a request that is sent twice at the same time once', async () => {
    const same = { ClientRequestToken: 'at-once' }
    await Promise.all(Array.from({ length: 5 }, () => write([add('a', 1)], same)))
    expect(await read('a')).toBe(1)
  })

  test('drops the token of a transaction that was cancelled', async () => {
    const same = { ClientRequestToken: 'cancelled' }
    await errorOf([add('a', 1, { ConditionExpression: 'attribute_exists(pk)' })], same)
    await write([put('a', 5)], same)
    expect(await read('a')).toBe(5)
    expect(await errorOf([put('a')], { ClientRequestToken: 'x'.repeat(37) })).toMatchObject({
      name: 'ValidationException',
    })
  })

  test('rejects an unknown table', async () => {
    expect(await errorOf([{ Put: { TableName: 'nowhere', Item: keyOf('a') } }])).toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  test('counts twice the units of each table', async () => {
    const Item = { ...keyOf('big'), t: { S: 'x'.repeat(2_500) } }
    const { ConsumedCapacity } = await write([{ Put: { TableName: table, Item } }, put('a')], {
      ReturnConsumedCapacity: 'INDEXES',
    })
    const units = { CapacityUnits: 8, WriteCapacityUnits: 8 }
    expect(ConsumedCapacity).toEqual([{ TableName: table, ...units, Table: units }])
  })

  test('writes rows that expire, as any write does', async () => {
    await at.dynamo.enableTtl(table, 'expires')
    const Item = { ...keyOf('old'), expires: { N: String(Math.floor(at.clock.now() / 1_000) - 5) } }
    await write([{ Put: { TableName: table, Item } }])
    expect(await at.dynamo.sweep()).toBe(1)
    expect(recordsOf(at.dynamo, table).at(-1)).toMatchObject({ eventName: 'REMOVE', userIdentity: { type: 'Service' } })
  })
})

describe('a line with transactionConflicts', () => {
  test('cancels a transaction whose item belongs to a running transaction', async () => {
    await using own = await openFixture({ transactionConflicts: true })
    const name = `${table}-conflicts`
    await own.dynamo.createTable(tableInput(name))
    const item = (pk: string) => ({ Put: { TableName: name, Item: keyOf(pk) } })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => write([item('same'), item(`own${i}`)], {}, own)),
    )
    const rejected = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(rejected.length).toBeGreaterThan(0)
    expect(rejected.length).toBeLessThan(10)
    for (const error of rejected)
      expect(error.CancellationReasons).toEqual([
        { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' },
        { Code: 'None' },
      ])
    const rows = await own.documents.send(new ScanCommand({ TableName: name }))
    expect(rows.Count).toBe(11 - rejected.length)
  })
})

describe('TransactGetItems', () => {
  const get = (pk: string, more: object = {}) => ({ Get: { TableName: table, Key: keyOf(pk), ...more } })
  const ask = (items: ReturnType<typeof get>[]) =>
    at.plain.send(new TransactGetItemsCommand({ TransactItems: items, ReturnConsumedCapacity: 'TOTAL' }))

  test('answers in order, with projections, for twice the units', async () => {
    await write([put('a', 1), put('b', 2)])
    const { Responses, ConsumedCapacity } = await ask([get('b', { ProjectionExpression: 'n' }), get('none'), get('a')])
    expect(Responses).toEqual([{ Item: { n: { N: '2' } } }, {}, { Item: { ...keyOf('a'), n: { N: '1' } } }])
    expect(ConsumedCapacity).toEqual([{ TableName: table, CapacityUnits: 6, ReadCapacityUnits: 6 }])
  })

  test('rejects invalid items', async () => {
    await expect(ask([])).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(ask([get('a'), get('a')])).rejects.toThrow('multiple operations on one item')
    await expect(ask(Array.from({ length: 101 }, (_, i) => get(`x${i}`)))).rejects.toThrow('less than or equal to 100')
    const wrong = { Get: { TableName: table, Key: { pk: { N: '1' }, sk: { S: '1' } } } }
    await expect(ask([get('a'), wrong as never])).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError' }],
    })
  })
})

describe('an operation that the engine lacks', () => {
  test.each([
    ['ExecuteStatement', new ExecuteStatementCommand({ Statement: 'SELECT * FROM "x"' })],
    ['ExecuteTransaction', new ExecuteTransactionCommand({ TransactStatements: [{ Statement: 'SELECT' }] })],
  ])('is rejected by name with the implemented operations: %s', async (name, command) => {
    await expect(at.plain.send(command as ExecuteStatementCommand)).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringMatching(new RegExp(`not implement ${name}\\..* TransactWriteItems`)),
    })
  })

  test('of the streams is rejected by name too', async () => {
    expect((await at.streams.send(new ListStreamsCommand({}))).Streams).toBeDefined()
    const headers = { 'x-amz-target': 'DynamoDBStreams_20120810.Nothing', 'content-type': 'application/x-amz-json-1.0' }
    const answer = await fetch(at.dynamo.endpoint, { method: 'POST', headers, body: '{}' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('not implement Nothing. It implements DescribeStream, GetRecords')
  })
})

test('a row that a plain put writes is seen by the next transaction', async () => {
  await at.documents.send(new PutCommand({ TableName: table, Item: { pk: 'a', sk: '1', n: 3 } }))
  await write([add('a', 1)])
  expect(await read('a')).toBe(4)
})
