import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ScanCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb'
import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { createSourceHandler } from '@trunkline/server/lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createLocalClock } from '../../packages/local/src/emulators/clock.ts'
import { startDynamo } from '../../packages/local/src/emulators/dynamodb/dynamo.ts'
import { findDynamoLocal, startDynamoLocal } from './dynamodb-local.ts'

const folder = findDynamoLocal()
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const TableName = 'differential'

const keyOf = (pk: string) => ({ pk: { S: pk } })
const put = (pk: string, more: object = {}, item: object = {}): TransactWriteItem => ({
  Put: { TableName, Item: { ...keyOf(pk), ...item }, ...more },
})
const remove = (pk: string, more: object = {}): TransactWriteItem => ({
  Delete: { TableName, Key: keyOf(pk), ...more },
})
const update = (pk: string, UpdateExpression: string, values?: object, more: object = {}): TransactWriteItem => ({
  Update: {
    TableName,
    Key: keyOf(pk),
    UpdateExpression,
    ...(values && { ExpressionAttributeValues: values }),
    ...more,
  } as NonNullable<TransactWriteItem['Update']>,
})
const check = (pk: string, ConditionExpression: string, more: object = {}): TransactWriteItem => ({
  ConditionCheck: { TableName, Key: keyOf(pk), ConditionExpression, ...more },
})
const one = { ':v': { N: '1' } }
const fresh = { ConditionExpression: 'attribute_not_exists(pk)' }
const shown = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
const text = (length: number) => ({ t: { S: 'x'.repeat(length) } })

/** Run in order, on the same rows. */
const steps: readonly (readonly [string, readonly TransactWriteItem[], Partial<TransactWriteItemsCommandInput>?])[] = [
  ['two puts', [put('a', {}, { n: { N: '1' } }), put('b')]],
  ['a fresh put over a row', [put('a', fresh), put('c')]],
  ['the row that is in the way', [put('c'), put('a', { ...fresh, ...shown }), put('b', { ...fresh, ...shown })]],
  ['no row is in the way', [put('none', { ConditionExpression: 'attribute_exists(pk)', ...shown })]],
  ['all kinds', [put('d'), update('a', 'ADD n :v', one), remove('b'), check('none', 'attribute_not_exists(pk)')]],
  ['a check that fails', [check('a', 'n > :v', { ExpressionAttributeValues: { ':v': { N: '9' } } }), put('e')]],
  ['a check that holds', [check('a', 'n > :v', { ExpressionAttributeValues: one }), put('e', {}, { m: { M: {} } })]],
  ['an update of a new row', [update('f', 'SET n = if_not_exists(n, :v), l = :l', { ...one, ':l': { L: [] } })]],
  [
    'a nested update',
    [update('e', 'SET m.x = :v', one), update('f', 'SET l = list_append(l, :l)', { ':l': { L: [one[':v']] } })],
  ],
  ['a conditional update', [update('a', 'SET n = :v', one, { ConditionExpression: 'n = :v', ...shown }), put('g')]],
  ['a conditional delete', [remove('d', { ConditionExpression: 'attribute_exists(n)', ...shown }), put('g')]],
  ['a delete of nothing', [remove('nothing'), put('g')]],
  ['a row that grows', [put('h', {}, text(300_000))]],
  ['a row that grows too large', [update('h', 'SET u = :u', { ':u': { S: 'x'.repeat(200_000) } }), put('i')]],
  ['a put that is too large', [put('i', {}, text(420_000))]],
  ['more than 4 MB', Array.from({ length: 12 }, (_, i) => put(`j${i}`, {}, text(390_000)))],
  ['no items', []],
  ['101 items', Array.from({ length: 101 }, (_, i) => put(`k${i}`))],
  ['100 items', Array.from({ length: 100 }, (_, i) => put(`k${i}`))],
  ['one item twice', [put('l'), remove('l')]],
  ['an item of no kind', [{}]],
  ['an item of two kinds', [{ ...put('l'), ...remove('m') }]],
  ['an expression that is none', [put('l', { ConditionExpression: 'nonsense(' })]],
  ['an operand of a wrong type', [update('a', 'SET n = n + :v', { ':v': { S: 'x' } })]],
  ['a number that is none', [put('l', {}, { n: { N: 'x' } })]],
  ['a table that is not there', [{ Put: { TableName: 'nowhere', Item: keyOf('a') } }]],
  ['a key of another type', [{ Delete: { TableName, Key: { pk: { N: '1' } } } }, put('l')]],
  ['a token', [update('a', 'ADD n :v', one)], { ClientRequestToken: 'token' }],
  ['the token again', [update('a', 'ADD n :v', one)], { ClientRequestToken: 'token' }],
  ['the token for something else', [update('a', 'ADD n :v', { ':v': { N: '2' } })], { ClientRequestToken: 'token' }],
  ['a token that is too long', [put('l')], { ClientRequestToken: 'x'.repeat(37) }],
]

/** DynamoDB's documents name these as reasons of a cancellation; DynamoDB Local 1.25.1 refuses the whole request. */
const documented: readonly (readonly [string, readonly TransactWriteItem[]])[] = [
  ['an attribute that is not there', [update('none', 'SET n = n + :v', one), put('m')]],
  ['a path that is not there', [update('a', 'SET nowhere.x = :v', one), put('m')]],
  ['a set added to a number', [update('a', 'ADD n :v', { ':v': { SS: ['x'] } }), put('m')]],
  ['an item without its key', [{ Put: { TableName, Item: { n: { N: '1' } } } }, put('m')]],
]

interface Answer {
  readonly name: string
  readonly reasons?: readonly unknown[]
}

function clientOf(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: 'local-1', credentials, maxAttempts: 1 })
}

async function answerOf(
  client: DynamoDBClient,
  items: readonly TransactWriteItem[],
  more: Partial<TransactWriteItemsCommandInput> = {},
): Promise<Answer> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: [...items], ...more }))
    return { name: 'done' }
  } catch (error) {
    const { name, CancellationReasons: reasons } = error as Answer & {
      CancellationReasons?: { Code?: string; Item?: object }[]
    }
    return { name, ...(reasons && { reasons: reasons.map(({ Code, Item }) => ({ Code, Item })) }) }
  }
}

async function rowsOf(client: DynamoDBClient) {
  const { Items = [] } = await client.send(new ScanCommand({ TableName }))
  const short = Items.map((item) => JSON.stringify(item, Object.keys(item).sort()).slice(0, 200))
  return short.sort()
}

describe.skipIf(folder === undefined)('DynamoDB Local, which needs Java', () => {
  let foreign: Awaited<ReturnType<typeof startDynamoLocal>>
  beforeAll(async () => {
    foreign = await startDynamoLocal(folder ?? '')
  })
  afterAll(() => foreign?.close())

  test('answers transactions as the local line does', async () => {
    const clock = createLocalClock()
    const own = await startDynamo({ clock })
    const [theirs, ours] = [clientOf(foreign.endpoint), clientOf(own.endpoint)]
    for (const client of [theirs, ours])
      await client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        }),
      )
    await expect
      .poll(async () => (await ours.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus)
      .toBe('ACTIVE')
    for (const [name, items, more] of steps) {
      const [theirAnswer, ourAnswer] = [await answerOf(theirs, items, more), await answerOf(ours, items, more)]
      expect([name, ourAnswer]).toEqual([name, theirAnswer])
      expect([name, await rowsOf(ours)]).toEqual([name, await rowsOf(theirs)])
    }
    for (const [name, items] of documented) {
      expect([name, (await answerOf(theirs, items)).name]).toEqual([name, 'ValidationException'])
      const reasons = [{ Code: 'ValidationError' }, { Code: 'None' }]
      expect([name, await answerOf(ours, items)]).toEqual([name, { name: 'TransactionCanceledException', reasons }])
    }
    const TransactItems = ['a', 'none', 'e'].map((pk) => ({ Get: { TableName, Key: keyOf(pk) } }))
    const [theirRead, ourRead] = await Promise.all(
      [theirs, ours].map((client) =>
        client.send(new TransactGetItemsCommand({ TransactItems, ReturnConsumedCapacity: 'TOTAL' })),
      ),
    )
    expect(ourRead?.Responses).toEqual(theirRead?.Responses)
    expect(ourRead?.ConsumedCapacity).toEqual(theirRead?.ConsumedCapacity)
    for (const client of [theirs, ours]) client.destroy()
    await own.close()
    clock.close()
  })

  test('serves a local line, its streams and a table of the application', async () => {
    const line = createLine()
    const key = z.object({ room: z.string() })
    const messages = line.channel('foreign', { key, event: z.object({ text: z.string() }) })
    const t = initTRPC.create()
    const router = t.router({
      post: t.procedure
        .input(key.extend({ text: z.string() }))
        .mutation(({ input }) => messages.publish({ room: input.room }, { text: input.text })),
      live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 10 })),
    })
    const cards = createSourceHandler({
      line,
      image: z.object({ id: z.string(), text: z.string(), bytes: z.instanceof(Uint8Array).optional() }),
      toEvents: ({ newImage, oldImage }) => [
        messages.entry({ room: 'cards' }, { text: (newImage ?? oldImage)?.text ?? '' }),
      ],
    })
    await using local = await startLocalLine({ router, line, dynamodb: foreign.endpoint })
    expect(local.environment['AWS_ENDPOINT_URL_DYNAMODB']).toBe(foreign.endpoint)
    const { client } = local.connect()
    const seen = iterate(client.live, { room: 'x' })
    const first = seen.next()
    await client.post.mutate({ room: 'x', text: 'by a call' })
    expect((await first).value?.data.text).toBe('by a call')
    const second = seen.next()
    await local.run(() => messages.publish({ room: 'x' }, { text: 'by a script' }))
    expect((await second).value?.data.text).toBe('by a script')

    const table = await local.table({ keys: { id: 'S' }, indexes: { 'by-text': { keys: { text: 'S' } } } }, cards)
    const received = iterate(client.live, { room: 'cards' })
    const card = received.next()
    const outside = clientOf(foreign.endpoint)
    const Item = { id: { S: '1' }, text: { S: 'a card' } }
    await outside.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName: table, Item } }] }))
    expect((await card).value?.data.text).toBe('a card')
    await local.idle()
    await local.close()
    await expect(outside.send(new DescribeTableCommand({ TableName: table }))).rejects.toThrow('non-existent')
    outside.destroy()
  })

  test('is rejected together with a data folder, and named in the error when it does not answer', async () => {
    const router = initTRPC.create().router({})
    await expect(startLocalLine({ router, dynamodb: foreign.endpoint, dataDir: 'x' })).rejects.toThrow('got both')
  })
})
