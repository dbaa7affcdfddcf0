import { createTRPCClient, type TRPCClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import superjson from 'superjson'
import { expect, expectTypeOf, test } from 'vitest'
import * as ws from 'ws'
import * as z from 'zod'
import {
  callContext,
  createClient,
  createConnection,
  iterate,
  type LineClient,
  trunklineError,
  trunklineLink,
} from '../index.ts'

// `tsc -p packages/client` runs this test: each `@ts-expect-error` line must be an error.
const t = initTRPC.create()
const room = z.object({ room: z.string() })
const router = t.router({
  post: t.procedure.input(room.extend({ text: z.string() })).mutation(() => ({ id: 'e:1' })),
  count: t.procedure.input(room).query(() => 1),
  maybe: t.procedure.input(room.optional()).query(() => 'x'),
  save: t.procedure.input(room.optional()).mutation(() => 1),
  nested: t.router({
    live: t.procedure
      .input(room)
      .subscription(async function* (): AsyncGenerator<{ id: string; data: { text: string } }> {}),
  }),
  connection: t.procedure.query(() => 'a procedure may be called connection' as const),
})
type Router = typeof router
const dated = initTRPC.create({ transformer: superjson })
const datedRouter = dated.router({ now: dated.procedure.query(() => new Date()) })

const connection = createConnection({ url: 'ws://127.0.0.1:1' })

function compiles(client: LineClient<Router>): void {
  expectTypeOf(
    client.post.mutate({ room: '7', text: 'hi' }, { orderingKey: 'x', idempotencyKey: 'k', timeoutMs: 1 }),
  ).resolves.toEqualTypeOf<{ id: string }>()
  void client.post.mutate(
    { room: '7', text: 'hi' },
    { idempotencyKey: false, signal: AbortSignal.timeout(1), context: {} },
  )
  void client.count.query({ room: '7' }, { timeoutMs: 1 })
  expectTypeOf(client.connection.query()).resolves.toEqualTypeOf<'a procedure may be called connection'>()
  void client.maybe.query()
  void client.save.mutate(undefined, { orderingKey: 'x' })
  client.nested.live.subscribe(
    { room: '7' },
    {
      onGap: (gap) =>
        expectTypeOf(gap.reason).toEqualTypeOf<
          'expired' | 'new-epoch' | 'not-resumable' | 'overflow' | 'restarted' | 'erased'
        >(),
      onData: ({ id, data }) => {
        expectTypeOf(id).toBeString()
        expectTypeOf(data).toEqualTypeOf<{ text: string }>()
      },
      onError: (error) => trunklineError(error)?.code satisfies string | undefined,
    },
  )
  const loop = client.nested.live.subscribe({ room: '7' }, { onGap: () => {} })
  expectTypeOf(loop).toExtend<AsyncIterable<{ id: string; data: { text: string } }>>()
  expectTypeOf(iterate(client.nested.live, { room: '7' })).toExtend<
    AsyncIterable<{ id: string; data: { text: string } }>
  >()
  expectTypeOf(client).toExtend<TRPCClient<Router>>()

  // @ts-expect-error a misspelt option is an error
  client.post.mutate({ room: 'x', text: 'y' }, { lnae: 'x' })
  // @ts-expect-error queries have no ordering key
  client.count.query({ room: 'x' }, { orderingKey: 'x' })
  // @ts-expect-error subscriptions have no ordering key
  client.nested.live.subscribe({ room: 'x' }, { orderingKey: 'x' })
  // @ts-expect-error wrong input
  client.post.mutate({ rom: 'x' })
  // @ts-expect-error no such procedure
  client.pots
  // @ts-expect-error a mutation is not a query
  client.post.query({ room: 'x', text: 'y' })
  // @ts-expect-error a subscription of another input
  iterate(client.nested.live, { rom: 'x' })
}

test('the types hold', () => {
  compiles satisfies unknown
  createClient<Router>({ connection })
  createTRPCClient<Router>({ links: [trunklineLink({ connection })] })
  expectTypeOf(
    createClient<typeof datedRouter>({ connection, transformer: superjson }).now.query,
  ).returns.resolves.toEqualTypeOf<Date>()
  // @ts-expect-error the router has a transformer
  createClient<typeof datedRouter>({ connection })
  // @ts-expect-error the router has none
  trunklineLink<Router>({ connection, transformer: superjson })
  // @ts-expect-error an unknown option
  expect(() => createConnection({ url: '', tokens: () => null })).toThrow('tokens: expected one of url,token,fallback,')
  callContext({ orderingKey: 'x', onGap: () => {} })
  // @ts-expect-error a misspelt option is an error here too
  callContext({ lnae: 'x' })
  createConnection({ url: () => Promise.resolve(''), token: () => null, WebSocket: ws.WebSocket })
})
