import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('reopened', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  texts: t.procedure.input(key).query(async ({ input }) => {
    const { events } = await messages.read(input)
    return events.map(({ data }) => data.text)
  }),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})
const room = { room: 'x' }

test('a reopened line serves on its address, and a subscribed stock client resumes', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'trunkline-reopened-'))
  await using local = await startLocalLine({ router, line, dataDir })
  const { url } = local
  const wsClient = createWSClient({ url, WebSocket: WebSocket as never, retryDelayMs: () => 20 })
  const client = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
  const seen: string[] = []
  let started = 0
  client.live.subscribe(room, { onStarted: () => (started += 1), onData: ({ data }) => seen.push(data.text) })
  await vi.waitFor(() => expect(started).toBe(1), 15_000)
  await local.run(() => messages.publish(room, { text: 'before' }))
  await vi.waitFor(() => expect(seen).toEqual(['before']), 15_000)

  await local.close()
  await local.reopen()
  expect(local.url).toBe(url)
  await local.run(() => messages.publish(room, { text: 'after' }))
  await vi.waitFor(() => expect(seen).toEqual(['before', 'after']), 15_000)
  expect(await local.connect().client.texts.query(room)).toEqual(['before', 'after'])
  await wsClient.close()
  await local.close()
  await rm(dataDir, { recursive: true, force: true })
})

test('without a data directory a reopened line has an empty table; reopening an open line has no effect', async () => {
  await using local = await startLocalLine({ router, line })
  await local.run(() => messages.publish(room, { text: 'gone' }))
  const { environment } = local
  await local.reopen()
  expect(local.environment).toBe(environment)
  await local.close()
  await local.reopen()
  using refused = local.faults.on('connect', 'fail', { times: 1 })
  expect(await local.connect().client.texts.query(room)).toEqual([])
  expect(refused.hits).toBe(1)
})
