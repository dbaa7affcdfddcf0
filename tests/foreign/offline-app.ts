/** The application that serverless-offline.test.ts serves: bundled from a copy, and imported for its types and channel. */
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import * as z from 'zod'

const t = initTRPC.create()
export const line = createLine()
const key = z.object({ shop: z.string() })

export const orders = line.channel('orders', { key, event: z.object({ total: z.number() }) })
const here = line.presence('here', { key, data: z.object({}), graceMs: 1_000 })

const router = t.router({
  order: t.procedure
    .input(key.extend({ total: z.number() }))
    .mutation(({ input: { shop, total } }) => orders.publish({ shop }, { total })),
  onOrder: t.procedure.input(key).subscription(({ input }) => orders.subscribe(input, { replay: 10 })),
  join: t.procedure.input(key).subscription(({ input }) => here.join(input, { member: 'ada', data: {} })),
  watch: t.procedure.input(key).subscription(({ input }) => here.watch(input)),
  count: t.procedure.input(z.number()).subscription(async function* ({ input }) {
    for (let i = 0; i < input; i++) yield i
  }),
})
export type AppRouter = typeof router

export const { authorizer, websocket, tableStream, deliver, worker, http, handler } = createLambdaHandlers({
  line,
  router,
  authorize: () => ({ principal: 'ada', claims: {}, expiresAt: new Date(Date.now() + 3_600_000) }),
})
