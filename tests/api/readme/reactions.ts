import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

const line = createLine()
const reactions = line.channel('show.reactions', {
  key: z.object({ show: z.string() }),
  event: z.object({ user: z.string(), emoji: z.string() }),
  partitions: 8, // 1 to 16
  partitionBy: ({ user }) => user, // events of one user are in order
})

const t = initTRPC.create()
export const appRouter = t.router({
  react: t.procedure
    .input(reactions.key.extend({ user: z.string(), emoji: z.string() }))
    .mutation(({ input: { show, ...event } }) => reactions.publish({ show }, event)),
  live: t.procedure
    .input(reactions.key.extend({ lastEventId: z.string().optional() }))
    .subscription(({ input }) => reactions.subscribe(input)),
})
export type AppRouter = typeof appRouter
