import { eventsOf } from '@trunkline/server'
import * as z from 'zod'
import { messages } from './channels.ts'
import { refuseMuted } from './moderation.ts'
import { message, roomEvent } from './schemas.ts'
import { reader, t, visitor, writer } from './trpc.ts'

/**
 * A page has fewer messages when they are long, so that it fits one WebSocket message to any client, tRPC's included.
 */
const pageSize = { limit: 50, maxBytes: 96_000 }

/** The messages of a room. The author is always `ctx.user` and never comes from a frame. */
export const messagesRouter = t.router({
  /** Its only effect is a publish, which is safe to repeat, so a failed attempt may be run again. */
  post: writer
    .meta({ repeatable: true })
    .input(messages.key.extend(message.pick({ id: true, text: true }).shape))
    .mutation(async ({ input: { room, ...draft }, ctx }) => {
      await refuseMuted(room, ctx.user.name)
      const posted = { ...draft, author: ctx.user.name, at: Date.now() }
      await messages.publish({ room }, { type: 'posted', message: posted })
      return posted
    }),

  edit: writer
    .meta({ repeatable: true })
    .input(messages.key.extend(message.pick({ id: true, text: true }).shape))
    .mutation(async ({ input: { room, ...change }, ctx }) => {
      await refuseMuted(room, ctx.user.name)
      return messages.publish({ room }, { type: 'edited', ...change, author: ctx.user.name })
    }),

  remove: writer
    .meta({ repeatable: true })
    .input(messages.key.extend(message.pick({ id: true }).shape))
    .mutation(({ input: { room, id }, ctx }) =>
      messages.publish({ room }, { type: 'removed', id, author: ctx.user.name }),
    ),

  /** The page before a cursor, or the newest page. */
  older: reader
    .input(messages.key.extend({ before: z.string().optional() }))
    .query(({ input: { room, before } }) =>
      messages.read({ room }, before === undefined ? pageSize : { ...pageSize, before }),
    ),

  /** The newest page, then all events after it. After a gap, the newest page again. */
  live: visitor
    .input(messages.key)
    .output(eventsOf(roomEvent))
    .subscription(({ input }) =>
      messages
        .subscribe(input)
        .startWith(async () => ({ type: 'page' as const, ...(await messages.read(input, pageSize)) })),
    ),
})
