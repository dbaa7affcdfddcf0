import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 1 })),
})

/**
 * Puts a row as PROTOCOL.md specifies for scripts: the newest slot + 1, with its epoch, only if it does not exist. It
 * uses the AWS SDK and no code of Trunkline.
 */
const script = `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
const table = DynamoDBDocumentClient.from(new DynamoDBClient())
const TableName = process.env.TRUNKLINE_TABLE
const pk = 'LOG#chat?room=s:x'
const { Items: [newest] } = await table.send(new QueryCommand({ TableName, ConsistentRead: true, ScanIndexForward: false, Limit: 1,
  KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': pk } }))
const time = Date.now()
const Item = { pk, sk: String(Number(newest.sk) + 1).padStart(16, '0'), epoch: newest.epoch, publishId: 'script-1', time,
  expires: Math.ceil(time / 1000) + 3 * 86400, data: JSON.stringify({ text: 'from a script' }) }
await table.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' }))
`

test('a row that a script puts with AWS credentials alone reaches the subscribers [TL-ROW-2] [TL-ROW-5]', async () => {
  await using local = await startLocalLine({ router, line })
  const { client } = local.connect()
  await local.run(() => messages.publish({ room: 'x' }, { text: 'first' }))
  const seen = iterate(client.live, { room: 'x' })
  expect((await seen.next()).value?.data).toEqual({ text: 'first' })
  const environment = { PATH: process.env['PATH'] ?? '', ...local.environment }
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: environment,
    cwd: import.meta.dirname,
  })
  expect((await seen.next()).value?.data).toEqual({ text: 'from a script' })
})

test('rows persist in a data folder', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'trunkline-data-'))
  for (const expected of [1, 2]) {
    await using local = await startLocalLine({ router, line, dataDir })
    await local.run(() => messages.publish({ room: 'x' }, { text: 'kept' }))
    expect((await local.run(() => messages.read({ room: 'x' }))).events).toHaveLength(expected)
  }
})

test('twenty lines of one declaration run at the same time and receive only their own events', async () => {
  const lines = await Promise.all(Array.from({ length: 20 }, () => startLocalLine({ router, line })))
  await Promise.all(
    lines.map(async (local, n) => {
      const seen = iterate(local.connect().client.live, { room: 'x' })
      await local.run(() => messages.publish({ room: 'x' }, { text: `${n}` }))
      expect((await seen.next()).value?.data).toEqual({ text: `${n}` })
    }),
  )
  await Promise.all(lines.map((local) => local.close()))
})
