import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createTRPCClient,
  httpBatchLink,
  loggerLink,
  type Operation,
  retryLink,
  splitLink,
  TRPCClientError,
} from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { trunklineLink } from './index.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('links', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
let failures = 0
const router = t.router({
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  flaky: t.procedure.query(() => {
    if (failures++ < 2) throw new TRPCError({ code: 'SERVICE_UNAVAILABLE' })
    return 'at last'
  }),
})
type AppRouter = typeof router

const listening = (server: Server) => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const isSubscription = ({ type }: Operation) => type === 'subscription'

test('a client calls over HTTP and subscribes over the line, whose router is the same', async () => {
  await using local = await startLocalLine({ router, line })
  const asked: string[] = []
  const server = createHTTPServer({
    router,
    middleware: (request, _, next) => {
      asked.push(String(request.url?.split('?')[0]))
      local.run(next) // a server of one's own is a script to the line: its stream delivers
    },
  })
  await listening(server)
  const { port } = server.address() as AddressInfo
  const { connection } = local.connect()
  const client = createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: isSubscription,
        true: trunklineLink<AppRouter>({ connection }),
        false: httpBatchLink({ url: `http://127.0.0.1:${port}` }),
      }),
    ],
  })
  const event = new Promise((resolve, reject) => {
    client.live.subscribe(
      { room: 'x' },
      { onStarted: () => void client.post.mutate({ room: 'x', text: 'hi' }), onData: resolve, onError: reject },
    )
  })
  expect(await event).toMatchObject({ data: { text: 'hi' } })
  expect(asked).toEqual(['/post'])
  server.close()
})

test('loggerLink and retryLink stand before it: what is asked is logged, and what fails is asked again', async () => {
  await using local = await startLocalLine({ router, line, onError: () => {} })
  const { connection } = local.connect()
  const logged: string[] = []
  const client = createTRPCClient<AppRouter>({
    links: [
      loggerLink({ logger: ({ direction, path }) => void logged.push(`${direction} ${path}`) }),
      retryLink({ retry: ({ error, attempts }) => error instanceof TRPCClientError && attempts < 5 }),
      trunklineLink<AppRouter>({ connection }),
    ],
  })
  expect(await client.flaky.query()).toBe('at last')
  expect(failures).toBe(3)
  expect(logged).toEqual(['up flaky', 'down flaky'])
})
