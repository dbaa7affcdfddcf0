// Code that must not compile, next to code that must. It is only type-checked.
import { initTRPC } from '@trpc/server'
import { createClient, createConnection, trunklineLink } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import superjson from 'superjson'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { authorize } from './chat/auth.ts'
import { messages, typing } from './chat/channels.ts'
import { line } from './readme/line.ts'
import type { AppRouter } from './readme/router.ts'
import { appRouter } from './readme/router.ts'

const connection = createConnection({ url: '' })
const client = createClient<AppRouter>({ connection })
// @ts-expect-error a Date does not survive the log
line.channel('a', { key: z.object({}), event: z.object({ at: z.date() }) })
// @ts-expect-error a key is flat
line.channel('b', { key: z.object({ a: z.object({}) }), event: z.object({}) })
// @ts-expect-error no replay on an ephemeral channel
typing.subscribe({ room: 'x' }, { replay: 50 })
// @ts-expect-error wrong event
messages.publish({ room: 'x' }, { type: 'nope' })
// @ts-expect-error a misspelt option is an error
client.post.mutate({ room: 'x', text: 'y' }, { lnae: 'x' })
// @ts-expect-error no lanes for subscriptions
client.onMessage.subscribe({ room: 'x' }, { orderingKey: 'x' })
// @ts-expect-error no deadline for subscriptions
client.onMessage.subscribe({ room: 'x' }, { timeoutMs: 5 })
// @ts-expect-error wrong input
client.post.mutate({ rom: 'x' })
// @ts-expect-error no such procedure
client.connection
// @ts-expect-error a mutation is no query
client.post.query({ room: 'x', text: 'y' })
const withPage = messages.subscribe({ room: 'x' }).startWith(() => ({ type: 'page' as const }))
// @ts-expect-error snapshot comes last
withPage.filter(() => true)
// @ts-expect-error context does not fit the router
createLambdaHandlers({ router: appRouter, line, createContext: () => ({ usr: 'x' }) })
// @ts-expect-error the router needs a context
createLambdaHandlers({ router: appRouter, line })
// @ts-expect-error bad duration
line.channel('c', { key: z.object({}), event: z.object({}), retention: '24 hours' })
// inline authorize infers claims into createContext
createLambdaHandlers({
  router: appRouter,
  line,
  authorize: async ({ token }) => ({ principal: 'x', claims: { name: token ?? '' }, expiresAt: new Date() }),
  createContext: ({ claims }) => ({ user: claims.name }),
})
createLambdaHandlers({
  router: appRouter,
  line,
  authorize,
  createContext: ({ principal, claims }) => ({ user: principal === null ? 'anon' : claims.name }),
})
// zod/mini schemas work
const m = createLine().channel('mini', {
  key: mini.object({ a: mini.string() }),
  event: mini.object({ t: mini.optional(mini.string()) }),
})
await m.publish({ a: 'x' }, {})
// transformers
const t = initTRPC.create({ transformer: superjson })
const withDates = t.router({
  now: t.procedure.query(() => new Date()),
  on: t.procedure.subscription(() => m.subscribe({ a: '' })),
})
const dates = createClient<typeof withDates>({ connection, transformer: superjson })
;(await dates.now.query()) satisfies Date
// @ts-expect-error the router has a transformer
createClient<typeof withDates>({ connection })
// @ts-expect-error the router has none
trunklineLink<AppRouter>({ connection, transformer: superjson })
// void and optional inputs stay callable without arguments
const plain = initTRPC.create()
const r2 = plain.router({
  ping: plain.procedure.query(() => 1),
  opt: plain.procedure.input(z.object({ a: z.string() }).optional()).mutation(() => 1),
})
const c2 = createClient<typeof r2>({ connection })
await c2.ping.query()
await c2.opt.mutate()
await c2.opt.mutate(undefined, { orderingKey: 'x' })
// recursive, record, nullable events
line.channel('d', { key: z.object({ n: z.number() }), event: z.record(z.string(), z.array(z.number()).nullable()) })
interface Iface {
  a: string
}
// an interface-typed schema passes the Json constraint
line.channel('e', { key: z.object({}), event: z.custom<Iface>() })
