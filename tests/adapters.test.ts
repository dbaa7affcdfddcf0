import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createTRPCClient,
  createWSClient,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCClient,
  wsLink,
} from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { awsLambdaStreamingRequestHandler } from '@trpc/server/adapters/aws-lambda'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { startLocalLine } from '@trunkline/local'
import { createLine, eventsOf } from '@trunkline/server'
import { memoryBackend } from '@trunkline/server/memory'
import type { Backend } from '@trunkline/server/ports'
import { EventSource } from 'undici'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import * as z from 'zod'
import { pollersOf } from '../packages/server/src/runtime/subscriptions/tail-poller.ts'

/** One application: a line and a router. The tests below differ only in the server. */
function createApp(backend: Backend, sse: { readonly maxDurationMs?: number } = {}) {
  const line = createLine({ backend })
  const numbers = line.channel('numbers', { key: z.object({ room: z.string() }), event: z.number() })
  const typing = line.ephemeral('typing', { key: z.object({}), event: z.string() })
  const here = line.presence('here', { key: z.object({ room: z.string() }), data: z.object({}), graceMs: 0 })
  const t = initTRPC.create({ sse: { ping: { enabled: true, intervalMs: 200 }, ...sse } })
  const room = numbers.key.extend({ lastEventId: z.string().nullish() })
  const router = t.router({
    post: t.procedure
      .input(numbers.key.extend({ events: z.array(z.number()) }))
      .mutation(async ({ input: { events, ...key } }) => {
        for (const event of events) await numbers.publish(key, event)
      }),
    live: t.procedure.input(room).subscription(({ input, signal }) => numbers.subscribe(input, { replay: 50, signal })),
    odd: t.procedure
      .input(room)
      .output(eventsOf(z.string()))
      .subscription(({ input }) =>
        numbers
          .subscribe(input, { replay: 50, lastEventId: input.lastEventId })
          .filter((event) => event % 2 === 1)
          .map((event) => `n${event}`),
      ),
    state: t.procedure.input(room).subscription(({ input }) =>
      numbers.subscribe(input).startWith(async () => {
        const { events } = await numbers.read(input)
        return { sum: events.reduce((sum, { data }) => sum + data, 0) }
      }),
    ),
    typing: t.procedure.subscription(() => typing.subscribe({})),
    here: t.procedure
      .input(room)
      .subscription(({ input: { room } }) => here.join({ room }, { member: 'ann', data: {} })),
    watch: t.procedure.input(room).subscription(({ input: { room } }) => here.watch({ room })),
  })
  return { line, numbers, router }
}

type App = ReturnType<typeof createApp>
type Client = TRPCClient<App['router']>

interface Served extends AsyncDisposable {
  readonly client: Client
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function overHttp(address: string): Client {
  const url = `http://${address}`
  return createTRPCClient<App['router']>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({ url, EventSource }),
        false: httpLink({ url }),
      }),
    ],
  })
}

function overSocket(url: string): Served {
  const socket = createWSClient({ url, WebSocket: WebSocket as never })
  return {
    client: createTRPCClient<App['router']>({ links: [wsLink({ client: socket })] }),
    [Symbol.asyncDispose]: () => socket.close(),
  }
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** A function URL: each request becomes an event, and the response is what the function streams. */
function functionUrl({ router }: App): Server {
  const handler = awsLambdaStreamingRequestHandler({ router })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const event = {
      ...{ version: '2.0', routeKey: '$default', rawPath: pathname, rawQueryString: search.slice(1) },
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      requestContext: { domainName: '127.0.0.1', http: { method: request.method ?? 'GET' } },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks).toString(), isBase64Encoded: false }),
    }
    await handler(event as never, response as never, {} as never)
  }
  return createServer((request, response) => {
    answer(request, response).catch(() => response.destroy()) // the client has gone
  })
}

/** The response stream that Lambda passes to a streaming handler. */
vi.stubGlobal('awslambda', {
  HttpResponseStream: {
    from: (stream: ServerResponse, { statusCode, headers }: { statusCode: number; headers: Record<string, string> }) =>
      stream.writeHead(statusCode, headers),
  },
})

const servers: Record<string, (app: App) => Promise<Served>> = {
  'tRPC’s ws adapter': async ({ router }) => {
    const http = createServer()
    const wss = new WebSocketServer({ server: http })
    applyWSSHandler({ wss, router })
    const served = overSocket(`ws://${await listen(http)}`)
    const close = async () => {
      await served[Symbol.asyncDispose]()
      await closing(http)
    }
    return { ...served, [Symbol.asyncDispose]: close }
  },
  'tRPC’s standalone adapter, over SSE': async ({ router }) => {
    const server = createHTTPServer({ router })
    return { client: overHttp(await listen(server as Server)), [Symbol.asyncDispose]: () => closing(server as Server) }
  },
  'tRPC’s aws-lambda adapter, streaming SSE': async (app) => {
    const server = functionUrl(app)
    return { client: overHttp(await listen(server)), [Symbol.asyncDispose]: () => closing(server) }
  },
}

const aLine = async ({ line, router }: App): Promise<Served> => {
  const local = await startLocalLine({ line, router })
  const served = overSocket(local.url)
  const close = async () => {
    await served[Symbol.asyncDispose]()
    await local.close()
  }
  return { ...served, [Symbol.asyncDispose]: close }
}

type Procedure = 'live' | 'odd' | 'state' | 'here' | 'watch'

/** Subscribes, and records the events. */
function follow(client: Client, procedure: Procedure, lastEventId?: string) {
  const came: { readonly id: string; readonly data: unknown }[] = []
  const input = { room: 'a', ...(lastEventId !== undefined && { lastEventId }) }
  let error: unknown
  const { subscribe } = client[procedure] as Client['live']
  const subscription = subscribe(input, {
    onData: (event: { readonly id: string; readonly data: unknown }) => came.push(event),
    onError: (thrown: unknown) => {
      error = thrown
    },
  })
  const data = () => came.map((event) => event.data)
  return {
    sees: (expected: readonly unknown[]) => vi.waitFor(() => expect(data()).toEqual(expected), 5_000),
    fails: (expected: object) => vi.waitFor(() => expect(error).toMatchObject(expected), 5_000),
    idAt: (index: number) => came[index]?.id,
    stop: () => subscription.unsubscribe(),
  }
}

describe.each(Object.entries({ ...servers, 'a line': aLine }))('a router on %s', (_, serve) => {
  it('delivers events of its channels: replayed, live, filtered, mapped, resumed and after a snapshot', async () => {
    await using served = await serve(createApp(memoryBackend()))
    const { client } = served
    await client.post.mutate({ room: 'a', events: [1, 2] })
    const live = follow(client, 'live')
    const odd = follow(client, 'odd')
    const state = follow(client, 'state')
    await live.sees([1, 2])
    await odd.sees(['n1'])
    await state.sees([{ sum: 3 }])
    await client.post.mutate({ room: 'a', events: [3, 4, 5] })
    await live.sees([1, 2, 3, 4, 5])
    await odd.sees(['n1', 'n3', 'n5'])
    await state.sees([{ sum: 3 }, 3, 4, 5])
    for (const each of [live, odd, state]) each.stop()
    await client.post.mutate({ room: 'a', events: [6, 7] })
    const resumed = [follow(client, 'live', live.idAt(2)), follow(client, 'odd', odd.idAt(1))]
    const again = follow(client, 'state', state.idAt(3))
    await resumed[0]?.sees([4, 5, 6, 7])
    await resumed[1]?.sees(['n5', 'n7'])
    await again.sees([6, 7])
    for (const each of [...resumed, again]) each.stop()
  })
  it('shows presence: the members first, then joins and leaves', async () => {
    await using served = await serve(createApp(memoryBackend()))
    const empty = { type: 'here', members: [] }
    const ann = { member: 'ann', data: {} }
    const watch = follow(served.client, 'watch')
    await watch.sees([empty])
    const here = follow(served.client, 'here')
    await here.sees([{ type: 'here', members: [ann] }])
    await watch.sees([empty, { type: 'join', ...ann }])
    here.stop()
    await watch.sees([empty, { type: 'join', ...ann }, { type: 'leave', member: 'ann' }])
    watch.stop()
  })
  it('ends a subscription whose events expired with an error, and restarts one that has a snapshot', async () => {
    await using served = await serve(createApp(memoryBackend()))
    await served.client.post.mutate({ room: 'a', events: [1, 2] })
    const lost = follow(served.client, 'live', '0.lost:7')
    const state = follow(served.client, 'state', '0.lost:7')
    await lost.fails({ data: { code: 'PRECONDITION_FAILED' } })
    await state.sees([{ sum: 3 }])
    state.stop()
  })
})

describe.each(Object.entries(servers))('%s', (_, serve) => {
  it('stops reading the log when the last client has disconnected', async () => {
    const backend = memoryBackend()
    await using served = await serve(createApp(backend))
    const one = follow(served.client, 'live')
    const other = follow(served.client, 'state')
    await other.sees([{ sum: 0 }])
    await vi.waitFor(() => expect(pollersOf(backend.store)).toBe(1))
    one.stop()
    other.stop()
    await vi.waitFor(() => expect(pollersOf(backend.store)).toBe(0), 5_000)
  })
  it('continues a subscription after its request ended at `maxDurationMs`', async () => {
    await using served = await serve(createApp(memoryBackend(), { maxDurationMs: 300 }))
    const live = follow(served.client, 'live')
    const state = follow(served.client, 'state')
    await state.sees([{ sum: 0 }])
    const events = [1, 2, 3]
    for (const event of events) {
      await served.client.post.mutate({ room: 'a', events: [event] })
      await live.sees(events.slice(0, event))
    }
    await state.sees([{ sum: 0 }, ...events])
    live.stop()
    state.stop()
  })
  it('answers a subscription to an ephemeral channel with an error that only a line serves it', async () => {
    await using served = await serve(createApp(memoryBackend()))
    const failed = new Promise<unknown>((resolve) => {
      served.client.typing.subscribe(undefined, { onError: resolve })
    })
    expect(await failed).toMatchObject({
      data: { code: 'METHOD_NOT_SUPPORTED' },
      message: expect.stringContaining('typing'),
    })
  })
})

it('shares a table with a line: each delivers the events that the other publishes', async () => {
  const app = createApp(memoryBackend())
  await using local = await startLocalLine(app)
  const { client } = local.connect()
  await client.post.mutate({ room: 'a', events: [1] })
  const events = local.run(() => app.numbers.subscribe({ room: 'a' }, { replay: 1 }))[Symbol.asyncIterator]()
  expect((await events.next()).value?.[1]).toBe(1)
  const seen = new Promise<unknown>((resolve) => {
    client.live.subscribe({ room: 'a' }, { onData: ({ data }) => data === 3 && resolve(data) })
  })
  const next = events.next()
  await client.post.mutate({ room: 'a', events: [2] })
  expect((await next).value?.[1]).toBe(2)
  await local.run(() => app.numbers.publish({ room: 'a' }, 3))
  expect(await seen).toBe(3)
  expect((await events.next()).value?.[1]).toBe(3)
  await events.return?.()
})
