// One file over 200 lines: all tests share one router and its links.

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
  type TRPCLink,
} from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { observable } from '@trpc/server/observable'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type Connection, callContext, createClient, trunklineError, trunklineLink } from '../index.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('links', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
let failures = 0
const router = t.router({
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  slow: t.procedure.input(z.string()).mutation(async ({ input }) => {
    runs.push(input)
    await gate
    return runs.length
  }),
  refuse: t.procedure.input(z.string()).mutation(({ input }) => {
    runs.push(input)
    if (runs.length < 3) throw new TRPCError({ code: 'CONFLICT' })
    return runs.length
  }),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  flaky: t.procedure.query(() => {
    if (failures++ < 2) throw new TRPCError({ code: 'SERVICE_UNAVAILABLE' })
    return 'at last'
  }),
})
type AppRouter = typeof router
let runs: string[] = []
let gate: Promise<void> | undefined

const listening = (server: Server) => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const isSubscription = ({ type }: Operation) => type === 'subscription'

test('a client can call over HTTP and subscribe over Trunkline with the same router', async () => {
  await using local = await startLocalLine({ router, line })
  const asked: string[] = []
  const server = createHTTPServer({
    router,
    middleware: (request, _, next) => {
      asked.push(String(request.url?.split('?')[0]))
      local.run(next) // the HTTP server publishes like a script: the table's stream delivers
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

test('loggerLink and retryLink work before it: operations are logged, and failed ones are repeated', async () => {
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

/** A client whose `retryLink` repeats every failed operation, and the results. */
function retrying(connection: Connection, most = 50) {
  const failed: (string | undefined)[] = []
  const retry = ({ error, attempts }: { readonly error: unknown; readonly attempts: number }) => {
    failed.push(trunklineError(error)?.code)
    return attempts < most
  }
  const again: TRPCLink<AppRouter> =
    () =>
    ({ next, op }) =>
      next({ ...op, context: { ...op.context } }) // a link that creates a new operation for each attempt
  const links = [retryLink<AppRouter>({ retry }), again, trunklineLink<AppRouter>({ connection })]
  return { client: createTRPCClient<AppRouter>({ links }), failed }
}
function closeGate(): () => void {
  runs = []
  let open = () => {}
  gate = new Promise((resolve) => (open = resolve))
  return open
}

describe('attempts of one operation by retryLink', () => {
  test.each([undefined, 'a key of one’s own'])(
    'are one mutation while its outcome is unknown (idempotencyKey %s) [TL-KEY-12]',
    async (idempotencyKey) => {
      await using local = await startLocalLine({ router, line, onError: () => {} })
      const { client, failed } = retrying(local.connect({ timeoutMs: 100 }).connection)
      const open = closeGate()
      const called = client.slow.mutate('x', { context: callContext({ idempotencyKey }) })
      await expect.poll(() => failed.length).toBeGreaterThan(1)
      open()
      expect(await called).toBe(1)
      expect(runs).toEqual(['x'])
      expect(new Set(failed)).toEqual(new Set(['TIMEOUT']))
    },
  )

  test('are one mutation even when an attempt between them was never sent [TL-KEY-12]', async () => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    const { connection } = local.connect()
    const { client, failed } = retrying(connection, 2)
    const open = closeGate()
    const called = client.slow.mutate('x').catch((error: unknown) => trunklineError(error))
    await expect.poll(() => runs).toEqual(['x'])
    connection.restart() // the attempt fails, and the next one finds a closed connection
    void connection.close()
    open()
    const error = await called
    expect(error).toMatchObject({ code: 'CLOSED', mayHaveRun: true, idempotencyKey: expect.stringMatching(/^auto\./) })
    expect(failed).toEqual(['CLOSED', 'CLOSED'])
  })

  test('are separate mutations after an outcome [TL-KEY-12]', async () => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    runs = []
    const { client, failed } = retrying(local.connect().connection)
    expect(await client.refuse.mutate('x')).toBe(3)
    expect(runs).toEqual(['x', 'x', 'x'])
    expect(failed).toEqual([undefined, undefined])
  })

  test('are one mutation when they are unsubscribed and repeated [TL-KEY-12]', async () => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    const { connection } = local.connect()
    const open = closeGate()
    const twice: TRPCLink<AppRouter> =
      () =>
      ({ next, op }) =>
        observable((observer) => {
          const first = next(op).subscribe({})
          let second: { unsubscribe(): void } | undefined
          void expect
            .poll(() => runs)
            .toEqual(['x'])
            .then(() => {
              first.unsubscribe()
              second = next(op).subscribe(observer)
              open()
            })
          return () => second?.unsubscribe()
        })
    const client = createTRPCClient<AppRouter>({ links: [twice, trunklineLink<AppRouter>({ connection })] })
    expect(await client.slow.mutate('x')).toBe(1)
    expect(runs).toEqual(['x'])
  })
})

describe('the key of a mutation that may have run', () => {
  test.each([undefined, 'order 7'])(
    'makes the next call the same mutation (idempotencyKey %s) [TL-KEY-12]',
    async (own) => {
      await using local = await startLocalLine({ router, line, onError: () => {} })
      const { connection } = local.connect()
      const client = createClient<AppRouter>({ connection })
      await client.post.mutate({ room: '1', text: 'opens the connection' }) // so that the timeout begins with the frame
      const open = closeGate()
      const failed = trunklineError(
        await client.slow.mutate('x', { timeoutMs: 200, idempotencyKey: own }).catch((error: unknown) => error),
      )
      expect(failed).toMatchObject({ code: 'TIMEOUT', mayHaveRun: true })
      expect(failed?.idempotencyKey).toEqual(own ?? expect.stringMatching(/^auto\.[0-9a-z]+\.[\w-]{22}$/))
      open()
      expect(await client.slow.mutate('x', { idempotencyKey: failed?.idempotencyKey })).toBe(1)
      expect(await client.slow.mutate('x', { idempotencyKey: undefined })).toBe(2)
      expect(runs).toEqual(['x', 'x'])
    },
  )

  test('is absent when nothing has run, since a new key is as good', async () => {
    await using local = await startLocalLine({ router, line, onError: () => {} })
    const { connection, client } = local.connect()
    await connection.close()
    const failed = trunklineError(await client.slow.mutate('x').catch((error: unknown) => error))
    expect(failed).toMatchObject({ code: 'CLOSED', mayHaveRun: false })
    expect(failed).not.toHaveProperty('idempotencyKey')
  })
})
