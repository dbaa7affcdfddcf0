import { initTRPC } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import * as z from 'zod'
import { orders, receipts } from './line.ts'

const t = initTRPC.meta<LineMeta>().create()

export const appRouter = t.router({
  /** The orders after a cursor, or all that are kept, then each new one. */
  onOrder: t.procedure
    .input(orders.key.extend({ lastEventId: z.string().nullish() }))
    .subscription(({ input: { lastEventId, ...key } }) => orders.subscribe(key, { lastEventId, replay: 1_000 })),

  /** The caller's idempotency key makes it one receipt, however often it is sent. */
  confirm: t.procedure
    .input(receipts.key.extend(receipts.event.shape))
    .mutation(({ input: { shop, ...receipt } }) => receipts.publish({ shop }, receipt)),
})
export type AppRouter = typeof appRouter
