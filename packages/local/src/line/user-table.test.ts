import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb'
import { iterate } from '@trunkline/client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type AppRouter, appRouter, cards, line } from '../testing/source-entry.suite.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalEntry } from './start-local-entry.ts'
import { startLocalLine } from './start-local-line.ts'

const entry = fileURLToPath(new URL('../testing/source-entry.suite.ts', import.meta.url))
const keys = { board: 'S', id: 'S' } as const

/** The application table, written as any program writes it. */
function openTable(local: LocalLine<AppRouter>, TableName: string) {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', AWS_REGION: region = '' } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }))
  return {
    put: (Item: Record<string, unknown>) => client.send(new PutCommand({ TableName, Item })),
    remove: (Key: Record<string, unknown>) => client.send(new DeleteCommand({ TableName, Key })),
    [Symbol.dispose]: () => client.destroy(),
  }
}

async function take(events: AsyncIterator<{ readonly data: unknown }>, count: number): Promise<unknown[]> {
  const received: unknown[] = []
  while (received.length < count) received.push((await events.next()).value?.data)
  return received
}

afterEach(() => vi.restoreAllMocks())

describe('an application table', () => {
  test('has indexes, and needs no handler', async () => {
    await using local = await startLocalLine({ router: appRouter, line })
    const name = await local.table({
      keys,
      indexes: {
        'by-column': { keys: { column: 'S' } },
        'by-id': { keys: { id: 'S', rank: 'N' }, projection: 'keys' },
        'by-rank': { keys: { board: 'S', rank: 'N' }, local: true, projection: ['column'] },
      },
    })
    const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', AWS_REGION: region = '' } = local.environment
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }))
    const Item = (id: string, rank: number) => ({ board: 'b', id, rank, column: 'todo', text: 'x' })
    const TransactItems = [Item('1', 2), Item('2', 1)].map((item) => ({ Put: { TableName: name, Item: item } }))
    await client.send(new TransactWriteCommand({ TransactItems }))
    const query = async (IndexName: string, attribute: string, value: string) => {
      const { Items } = await client.send(
        new QueryCommand({
          TableName: name,
          IndexName,
          KeyConditionExpression: '#a = :v',
          ExpressionAttributeNames: { '#a': attribute },
          ExpressionAttributeValues: { ':v': value },
        }),
      )
      return Items
    }
    expect(await query('by-column', 'column', 'todo')).toHaveLength(2)
    expect(await query('by-id', 'id', '1')).toEqual([{ board: 'b', id: '1', rank: 2 }])
    expect(await query('by-rank', 'board', 'b')).toEqual([
      { board: 'b', id: '2', rank: 1, column: 'todo' },
      { board: 'b', id: '1', rank: 2, column: 'todo' },
    ])
    await local.idle()
    client.destroy()
  })

  test('is rejected if a key has two types', async () => {
    await using local = await startLocalLine({ router: appRouter, line })
    const wrong = { keys, indexes: { wrong: { keys: { id: 'N' } } } } as const
    await expect(local.table(wrong)).rejects.toThrow('Expected the key id of table')
    await expect(local.table({ keys, indexes: { none: { keys: {} } } })).rejects.toThrow('index none')
  })

  test('sends its changes as events to every subscriber, whichever program writes to it', async () => {
    await using local = await startLocalLine({ router: appRouter, line })
    using table = openTable(local, await local.table({ keys }, cards))
    const [ann, bob] = [local.connect(), local.connect()].map(({ client }) => iterate(client.live, { board: 'b' }))
    if (ann === undefined || bob === undefined) throw new Error('two clients were connected')
    const both = Promise.all([take(ann, 3), take(bob, 3)])
    await table.put({ board: 'b', id: '1', column: 'todo' })
    await table.put({ board: 'b', id: '1', column: 'done' })
    await table.put({ board: 'b', id: '1', column: 'done' }) // an unchanged row has no stream record
    await table.remove({ board: 'b', id: '1' })
    const expected = [
      { type: 'insert', id: '1', column: 'todo' },
      { type: 'modify', id: '1', column: 'done' },
      { type: 'remove', id: '1', column: 'done', expired: false },
    ]
    expect(await both).toEqual([expected, expected])
  })

  test('sends each change once while its function fails, hangs, dies after its work, or runs twice', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}) // hides attempts whose deadline the moved clock passed
    await using local = await startLocalLine({ router: appRouter, line })
    const name = await local.table({ keys }, cards)
    using table = openTable(local, name)
    const ids = Array.from({ length: 12 }, (_, index) => `card-${index}`)
    for (const effect of ['fail', 'kill', 'duplicate', 'hang'] as const) {
      using fault = local.faults.on('function', effect, { path: `source-${name}`, times: 2 })
      await Promise.all(
        ids.map(async (id) => {
          for (const step of ['a', 'b']) await table.put({ board: 'b', id, column: `${effect}-${step}` })
        }),
      )
      await local.idle()
      await local.clock.advance('5m') // hanging attempts end, failed attempts are retried
      await local.idle()
      expect(fault.hits).toBe(2)
    }
    const events = (await take(iterate(local.connect().client.live, { board: 'b' }), 96)) as {
      id: string
      column: string
    }[]
    for (const id of ids)
      expect(events.filter((event) => event.id === id).map(({ column }) => column)).toEqual(
        ['fail', 'kill', 'duplicate', 'hang'].flatMap((effect) => [`${effect}-a`, `${effect}-b`]),
      )
  })

  test('continues after a row that does not match the schema', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await using local = await startLocalLine({ router: appRouter, line })
    const name = await local.table({ keys }, cards)
    using table = openTable(local, name)
    await table.put({ board: 'b', id: 'bad', column: 7 })
    await table.put({ board: 'b', id: 'good', column: 'todo' })
    const seen = iterate(local.connect().client.live, { board: 'b' })
    expect(await take(seen, 1)).toEqual([{ type: 'insert', id: 'good', column: 'todo' }])
    await local.idle()
    expect(warned.mock.calls.map(([text]) => JSON.parse(text))).toMatchObject([
      { level: 'WARN', table: name, keys: { board: 'b', id: 'bad' }, issues: [{ path: ['newImage', 'column'] }] },
    ])
  })

  test('says which rows it removed itself', async () => {
    await using local = await startLocalLine({ router: appRouter, line })
    using table = openTable(local, await local.table({ keys, ttl: 'ends' }, cards))
    await table.put({ board: 'b', id: '1', column: 'todo', ends: Math.floor(local.clock.now() / 1_000) + 60 })
    await local.idle()
    await local.clock.advance('10m')
    const seen = iterate(local.connect().client.live, { board: 'b' })
    expect(await take(seen, 2)).toMatchObject([{ type: 'insert' }, { type: 'remove', expired: true }])
  })

  test('is separate from the same table of another line', async () => {
    await using one = await startLocalLine({ router: appRouter, line })
    await using other = await startLocalLine({ router: appRouter, line })
    const [first, second] = [await one.table({ keys }, cards), await other.table({ keys }, cards)]
    using table = openTable(one, first)
    using another = openTable(other, second)
    await table.put({ board: 'b', id: 'one', column: 'x' })
    await another.put({ board: 'b', id: 'other', column: 'x' })
    expect(await take(iterate(one.connect().client.live, { board: 'b' }), 1)).toMatchObject([{ id: 'one' }])
    expect(await take(iterate(other.connect().client.live, { board: 'b' }), 1)).toMatchObject([{ id: 'other' }])
  })

  test('has one key or two', async () => {
    await using local = await startLocalLine({ router: appRouter, line })
    await expect(local.table({ keys: {} }, cards)).rejects.toThrow(
      /a partition key and at most one sort key, got 0 keys/,
    )
  })
})

/** It uses the AWS SDK and no code of Trunkline. */
const script = `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
const client = DynamoDBDocumentClient.from(new DynamoDBClient())
await client.send(new PutCommand({ TableName: 'cards-of-an-entry', Item: { board: 'b', id: '1', column: 'by a script' } }))
`

describe('a table of an entry', () => {
  test('is mapped to an export that runs in a worker, and a script with AWS credentials alone writes to it', async () => {
    const tables = [{ name: 'cards-of-an-entry', keys, handler: 'cards' }]
    await using local = await startLocalEntry<AppRouter>({ entry, tables })
    const seen = iterate(local.connect().client.live, { board: 'b' })
    const first = take(seen, 1)
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'] ?? '', ...local.environment },
      cwd: import.meta.dirname,
    })
    expect(await first).toEqual([{ type: 'insert', id: '1', column: 'by a script' }])
  })

  test('needs an export of that name', async () => {
    const tables = [{ name: 'cards-without-handler', keys, handler: 'boards' }]
    await expect(startLocalEntry({ entry, tables })).rejects.toThrow(
      'to export boards, the handler of table cards-without-handler',
    )
  })
})
