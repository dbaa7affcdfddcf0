import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import { messages } from './line.ts'

export interface Context {
  user: string
}
const t = initTRPC.context<Context>().create()

export const appRouter = t.router({
  post: t.procedure
    .input(messages.key.extend({ text: z.string() }))
    .mutation(({ input: { room, text }, ctx }) => messages.publish({ room }, { author: ctx.user, text })),
  onMessage: t.procedure.input(messages.key).subscription(({ input }) => messages.subscribe(input, { replay: 50 })),
})
export type AppRouter = typeof appRouter
