import { initTRPC } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import * as z from 'zod'
import type { Context } from './auth.ts'
import { here, messages, typing } from './line.ts'

const t = initTRPC.context<Context>().meta<LineMeta>().create()
const page = { limit: 30 }

export const appRouter = t.router({
  /** The author is the caller, and never comes from a frame. A publish is safe to repeat after a failure. */
  post: t.procedure
    .meta({ repeatable: true })
    .input(messages.key.extend(messages.event.pick({ id: true, text: true }).shape))
    .mutation(({ input: { room, ...message }, ctx }) =>
      messages.publish({ room }, { ...message, author: ctx.user, at: Date.now() }),
    ),

  /** The newest page, then each new message. After a gap, the newest page again. */
  live: t.procedure
    .input(messages.key)
    .subscription(({ input }) =>
      messages.subscribe(input).startWith(async () => ({ page: await messages.read(input, page) })),
    ),

  /** The page before a cursor. */
  older: t.procedure
    .input(messages.key.extend({ before: z.string() }))
    .query(({ input: { room, before } }) => messages.read({ room }, { ...page, before })),

  /** Makes the caller a member of the room while the subscription lasts, and reports the members. */
  here: t.procedure.input(here.key).subscription(({ input, ctx }) => here.join(input, { member: ctx.user, data: {} })),

  typing: t.procedure
    .meta({ idempotent: true })
    .input(typing.key)
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user })),

  onTyping: t.procedure.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
export type AppRouter = typeof appRouter
