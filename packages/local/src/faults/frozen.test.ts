import { fileURLToPath } from 'node:url'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalEntry } from '../line/start-local-entry.ts'
import { startLocalLine } from '../line/start-local-line.ts'

const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('frozen', { key, event: z.number() })
const t = initTRPC.create()
const router = t.router({
  post: t.procedure
    .input(key.extend({ n: z.number() }))
    .mutation(({ input: { n, ...room } }) => messages.publish(room, n)),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 10 })),
})
const room = { room: '7' }
const events = [1, 2, 3, 4, 5, 6]

/** A stock client that subscribes to the room. */
async function listen(url: string) {
  const sockets: WebSocket[] = []
  const got: unknown[] = []
  class Watched extends WebSocket {
    constructor(address: string | URL) {
      super(address)
      sockets.push(this)
    }
  }
  const ws = createWSClient({ url, WebSocket: Watched as never, retryDelayMs: () => 0 })
  const client = createTRPCClient<typeof router>({ links: [wsLink({ client: ws })] })
  await new Promise<void>((resolve) =>
    client.live.subscribe(room, { onStarted: () => resolve(), onData: (event) => got.push(event.data) }),
  )
  return { client, sockets, got, close: () => ws.close() }
}

const deaths = ['reset', 'silent'] as const

describe.each(deaths)('When functions are frozen and their idle connections die (%s)', (death) => {
  test('a stock client in a quiet room keeps its socket and gets each of six events once', async () => {
    await using local = await startLocalLine({ router, line })
    const stock = await listen(local.url)
    local.faults.on('frozen', death)
    for (const n of events) {
      await local.clock.advance('1m')
      await local.run(() => messages.publish(room, n))
      await vi.waitFor(() => expect(stock.got).toContain(n), 5_000)
    }
    await local.idle()
    expect(stock.got).toEqual(events)
    expect(stock.sockets).toHaveLength(1)
    await stock.close()
  })

  test('mutations of a stock client run once each, and their events reach it once', async () => {
    await using local = await startLocalLine({ router, line })
    const stock = await listen(local.url)
    local.faults.on('frozen', death)
    for (const n of events) {
      await local.clock.advance('1m')
      await stock.client.post.mutate({ ...room, n })
      await vi.waitFor(() => expect(stock.got).toContain(n), 5_000)
    }
    expect(stock.got).toEqual(events)
    expect(stock.sockets).toHaveLength(1)
    await stock.close()
  })

  test('a stock client of functions in workers, which are stopped between events, keeps its socket', async () => {
    await using local = await startLocalEntry({ entry })
    const stock = await listen(local.url)
    local.faults.on('frozen', death)
    for (const n of events) {
      await local.clock.advance('1m')
      await stock.client.post.mutate({ ...room, text: String(n) } as never)
      await vi.waitFor(() => expect(stock.got).toContainEqual({ text: String(n) }), 10_000)
    }
    expect(stock.got).toEqual(events.map((n) => ({ text: String(n) })))
    expect(stock.sockets).toHaveLength(1)
    await stock.close()
  })

  test('a client of ours gets each event once, without a gap', async () => {
    await using local = await startLocalLine({ router, line })
    const { client } = local.connect()
    const got: unknown[] = []
    const gaps: unknown[] = []
    await new Promise<void>((resolve) =>
      client.live.subscribe(room, {
        onStarted: () => resolve(),
        onData: (event) => got.push(event.data),
        onGap: (gap: unknown) => gaps.push(gap),
      }),
    )
    local.faults.on('frozen', death)
    for (const n of events) {
      await local.clock.advance('1m')
      await client.post.mutate({ ...room, n })
      await vi.waitFor(() => expect(got).toContain(n), 5_000)
    }
    expect(got).toEqual(events)
    expect(gaps).toEqual([])
  })
})

test('A reset applies to a connection that is reused immediately, and each request is repeated', async () => {
  await using local = await startLocalLine({ router, line })
  const stock = await listen(local.url)
  const rule = local.faults.on('frozen', 'reset')
  for (const n of events) await stock.client.post.mutate({ ...room, n })
  await vi.waitFor(() => expect(stock.got).toEqual(events), 5_000)
  expect(rule.hits).toBeGreaterThan(events.length)
  expect(stock.sockets).toHaveLength(1)
  await stock.close()
})

test.each(['apigateway', 'dynamodb', 'lambda', 'sqs'])('A fault can be limited to %s', async (path) => {
  await using local = await startLocalLine({ router, line })
  const rule = local.faults.on('frozen', 'reset', { path, times: 1 })
  const stock = await listen(local.url)
  for (const n of events) await stock.client.post.mutate({ ...room, n })
  await vi.waitFor(() => expect(stock.got).toEqual(events), 5_000)
  expect(rule.hits).toBe(path === 'apigateway' || path === 'dynamodb' ? 1 : 0) // this test starts no function
  await stock.close()
})

test('Another effect at `frozen` is rejected with the allowed effects', async () => {
  await using local = await startLocalLine({ router, line })
  expect(() => local.faults.on('frozen', 'drop')).toThrow("Expected an effect of 'frozen' (reset, silent), got drop.")
})
