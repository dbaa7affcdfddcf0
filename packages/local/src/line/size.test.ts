import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { iterate, trunklineError } from '@trunkline/client'
import { createLine, type LineMeta } from '@trunkline/server'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('sized', { key, event: z.object({ text: z.string() }) })
const runs: string[] = []
const t = initTRPC.meta<LineMeta>().create()
const router = t.router({
  echo: t.procedure.input(z.string()).query(({ input }) => input),
  run: t.procedure.input(z.string()).mutation(({ input }) => runs.push(input.slice(0, 8))),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})

async function start(options: { readonly maxMessageBytes?: number } = {}) {
  runs.length = 0
  return startLocalLine({ router, line, ...options })
}
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => trunklineError(error),
  )
const megabyte = '"ünï🦊'.repeat(80_000)
const big = 'y'.repeat(300_000)

test('a megabyte is sent to the server and back over sockets limited to 32 and 128 KB [TL-CHUNK-1]', async () => {
  await using local = await start()
  const { client } = local.connect()
  expect(Buffer.byteLength(JSON.stringify(megabyte))).toBeGreaterThan(800_000)
  expect(await client.echo.query(megabyte)).toBe(megabyte)
})

test('a mutation without a key runs once although its frames arrive twice and out of order [TL-CHUNK-5]', async () => {
  await using local = await start()
  const { client } = local.connect()
  await client.echo.query('warm')
  local.faults.on('frame', 'duplicate', { path: 'run' })
  local.faults.on('function', { delayMs: 20 }, { path: 'run', skip: 1, times: 3 })
  expect(await client.run.mutate(`once ${big}`, { idempotencyKey: false })).toBe(1)
  await local.idle()
  expect(runs).toHaveLength(1)
})

test('a chunk that is lost with its socket is sent again with the others, and the mutation runs once [TL-CHUNK-9]', async () => {
  await using local = await start()
  const ann = local.connect()
  await ann.client.echo.query('warm')
  using lost = local.faults.on('frame', 'drop', { path: 'run', skip: 3, times: 1 })
  const answered = ann.client.run.mutate(`kept ${big}`)
  await local.idle()
  expect([lost.hits, runs.length]).toEqual([1, 0]) // the procedure does not run while a chunk is missing
  local.faults.cut(ann.connection)
  expect(await answered).toBe(1)
})

test('data above the limit is rejected with its size and the limit by the side that detects it first [TL-CHUNK-4]', async () => {
  await using local = await start({ maxMessageBytes: 200_000 })
  const ann = local.connect()
  expect(await failureOf(ann.client.echo.query(big))).toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringMatching(/^Expected a message of at most 200000 bytes, got 300\d\d\d bytes\.$/),
    mayHaveRun: false,
  })
  expect(await ann.client.echo.query('alive')).toBe('alive')
})

test('an event of 300 KB reaches its subscribers although a chunk of the push is lost [TL-CHUNK-10]', async () => {
  await using local = await start()
  const [ann, bob] = [local.connect(), local.connect()]
  const seen = [ann, bob].map(({ client }) => iterate(client.live, { room: 'x' }))
  const first = seen.map((each) => each.next())
  await Promise.all([ann, bob].map(({ client }) => client.echo.query('greeted')))
  await local.idle()
  using lost = local.faults.on('push', 'drop', { path: 'live', connection: bob.connection, skip: 1, times: 1 })
  await ann.client.post.mutate({ room: 'x', text: big })
  await local.idle()
  await ann.client.post.mutate({ room: 'x', text: 'the next one shows the hole' })
  for (const next of first) expect((await next).value?.data.text).toBe(big)
  expect(lost.hits).toBe(1)
})

test('a stock client gets an error for oversized data, and its socket stays open [TL-CHUNK-11]', async () => {
  await using local = await start()
  const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never, retryDelayMs: () => 0 })
  const sockets: string[] = []
  const opened = wsClient.connectionState.subscribe({ next: ({ state }) => void sockets.push(state) })
  const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
  const { client } = local.connect()
  try {
    const failed = new Promise<string>((resolve) => {
      stock.live.subscribe({ room: 'x' }, { onError: ({ data }) => resolve(String(data?.code)) })
    })
    expect(await stock.echo.query('a')).toBe('a')
    await local.idle()
    await client.post.mutate({ room: 'x', text: big })
    expect(await failed).toBe('PAYLOAD_TOO_LARGE')
    expect(await stock.echo.query('b')).toBe('b')
    expect(sockets.filter((state) => state === 'connecting').length).toBeLessThanOrEqual(1)
  } finally {
    opened.unsubscribe()
    await wsClient.close()
  }
})

/** Resolves when the count is reached. */
function createCounter() {
  const waiting = new Map<number, () => void>()
  let count = 0
  return {
    add: () => waiting.get(++count)?.(),
    reaches: (to: number) => new Promise<void>((resolve) => void (count >= to ? resolve() : waiting.set(to, resolve))),
  }
}

/** As many subscriptions as a client of a large board has: 20 s on an idle machine, all of it processor time. */
const count = Number(process.env['TRUNKLINE_SUBSCRIPTIONS'] ?? 2_000)

test('two thousand subscriptions resume after a lost socket, and a sync of them finds a lost push: each event once [TL-SUB-15] [TL-SYNC-7]', async () => {
  await using local = await start()
  const rooms = Array.from({ length: 15 }, (_, room) => `r${room}`)
  const ann = local.connect()
  const texts: string[][] = []
  const [started, seen] = [createCounter(), createCounter()]
  for (let n = 0; n < count; n++) {
    const own: string[] = []
    texts.push(own)
    ann.client.live.subscribe(
      { room: rooms[n % rooms.length] ?? '' },
      {
        onStarted: started.add,
        onData: ({ data }) => {
          own.push(data.text)
          seen.add()
        },
      },
    )
  }
  await started.reaches(count)
  const began = performance.now()
  using frames = local.faults.on('frame', { delayMs: 0 })
  local.faults.cut()
  for (const room of rooms) await local.run(() => messages.publish({ room }, { text: `${room} meanwhile` }))
  ann.connection.retryNow()
  await started.reaches(2 * count)
  await seen.reaches(count)
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  console.info(`${count} subscriptions resumed in ${frames.hits} frames, hello among them, and ${seconds} s`)
  expect(frames.hits).toBeLessThan(10 + count / 50)
  for (const room of rooms) await local.run(() => messages.publish({ room }, { text: `${room} after` }))
  await seen.reaches(2 * count)

  const [quiet = ''] = rooms
  {
    using lost = local.faults.on('push', 'drop', { connection: ann.connection })
    await local.run(() => messages.publish({ room: quiet }, { text: `${quiet} lost` }))
    await local.idle()
    expect(lost.hits).toBeGreaterThan(0)
  }
  const before = frames.hits
  await local.clock.advance('6m') // its keepalive
  await seen.reaches(2 * count + Math.ceil(count / rooms.length))
  console.info(`${count} subscriptions synced in ${frames.hits - before} frames`)
  expect(frames.hits - before).toBeGreaterThanOrEqual(Math.ceil(count / 200))
  expect(frames.hits - before).toBeLessThan(10 + count / 50)
  for (const [n, own] of texts.entries()) {
    const room = rooms[n % rooms.length]
    expect(own).toEqual([`${room} meanwhile`, `${room} after`, ...(room === quiet ? [`${room} lost`] : [])])
  }
})
