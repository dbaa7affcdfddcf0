import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { initTRPC } from '@trpc/server'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { startLocalLine } from '@trunkline/local'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { audit, board, line as boardLine, cards } from './board-source.ts'
import { posted } from './caller.ts'
import { handler as tick } from './cron.ts'
import { listen } from './node-service.ts'
import { call } from './optional-context.ts'
import { authorize, createContext } from './readme/auth.ts'
import { line, messages } from './readme/line.ts'
import { type AppRouter, appRouter } from './readme/router.ts'
import { announce } from './script.ts'
import { connect, watch } from './stock-diff.ts'

/** The complete line of the readme. */
const start = () => startLocalLine({ router: appRouter, line, authorize, createContext })

afterEach(() => vi.unstubAllEnvs())

const t = initTRPC.create()
const boardRouter = t.router({
  live: t.procedure.input(board.key).subscription(({ input }) => board.subscribe(input, { replay: 10 })),
})

it('calls procedures without a line', async () => {
  expect(await posted()).toBe('hi')
})

it('serves a router that needs no context without createContext', async () => {
  expect(await call()).toBe(1)
})

it('serves the client of the readme', async () => {
  await using local = await start()
  await using connection = createConnection({ url: local.url, token: () => 'ann', WebSocket })
  const client = createClient<AppRouter>({ connection })
  const { id } = await client.post.mutate({ room: '7', text: 'hi' })
  const seen = await iterate(client.onMessage, { room: '7' }).next()
  expect(seen.value).toMatchObject({ id, data: { author: 'ann', text: 'hi' } })
})

it('delivers events that a script publishes to a Node service', async () => {
  await using local = await start()
  await local.run(announce)
  vi.stubEnv('TOKEN', 'listener')
  expect(await listen(local.url, 1)).toEqual(['maintenance at 5'])
})

it('serves tRPC’s own client', async () => {
  await using local = await start()
  await using connection = createConnection({ url: local.url, token: () => 'ann', WebSocket })
  const client = connect(connection)
  await client.post.mutate({ room: '7', text: 'from a stock client' })
  const text = await new Promise<string>((resolve) => {
    const subscription = watch(client, (text) => {
      subscription.unsubscribe()
      resolve(text)
    })
  })
  expect(text).toBe('from a stock client')
})

it('keeps two lines with the same declaration separate', async () => {
  await using one = await start()
  await using two = await start()
  await one.run(() => messages.publish({ room: 'x' }, { author: 'ann', text: 'one' }))
  expect((await one.run(() => messages.read({ room: 'x' }))).events).toHaveLength(1)
  expect((await two.run(() => messages.read({ room: 'x' }))).events).toHaveLength(0)
})

it('publishes the changes of an application’s own table', async () => {
  await using local = await startLocalLine({ router: boardRouter, line: boardLine })
  const TableName = await local.table({ keys: { pk: 'S' } }, cards)
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', AWS_REGION: region = '' } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const table = new DynamoDBClient({ endpoint, region, credentials })
  const card = { pk: 'c1', org: 'o', board: 'b', id: '1', column: 'todo' }
  const Item = Object.fromEntries(Object.entries(card).map(([name, S]) => [name, { S }]))
  await table.send(new PutItemCommand({ TableName, Item }))
  await table.send(new DeleteItemCommand({ TableName, Key: { pk: { S: 'c1' } } }))
  table.destroy()
  const seen = iterate(local.connect().client.live, { board: 'b' })
  expect((await seen.next()).value?.data).toEqual({ type: 'card', id: '1', column: 'todo' })
  expect((await seen.next()).value?.data).toEqual({ type: 'gone', id: '1' })
  expect((await local.run(() => audit.read({ org: 'o' }))).events).toMatchObject([{ data: { text: '1 → todo' } }])
})

it('handles a scheduled event once if Lambda repeats it', async () => {
  await using local = await start()
  const event = { id: 'event-1', time: '2026-05-01T00:00:00Z' }
  await local.run(async () => {
    await tick(event)
    await tick(event)
    const { events } = await messages.read({ room: 'lobby' })
    expect(events).toMatchObject([{ data: { author: 'clock', text: event.time } }])
  })
})
