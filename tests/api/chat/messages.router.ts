import * as z from 'zod'
import { messages } from './channels.ts'
import { type Message, message } from './schemas.ts'
import { member, t } from './trpc.ts'

/** What an application's own table would give: here the log itself. */
async function loadPage(room: string): Promise<Message[]> {
  const { events } = await messages.read({ room }, { limit: 50 })
  return events.flatMap(({ data }) => (data.type === 'posted' ? [data.message] : []))
}

export const messagesRouter = t.router({
  post: member
    .input(messages.key.extend(message.pick({ id: true, text: true }).shape))
    .mutation(async ({ input: { room, ...draft }, ctx }) => {
      const posted = { ...draft, author: ctx.user.name, at: Date.now() }
      await messages.publish({ room }, { type: 'posted', message: posted })
      return posted
    }),
  older: member
    .input(messages.key.extend({ before: z.string().optional() }))
    .query(({ input: { room, before } }) =>
      messages.read({ room }, { limit: 50, ...(before === undefined ? {} : { before }) }),
    ),
  live: member
    .input(messages.key)
    .subscription(({ input }) =>
      messages
        .subscribe(input)
        .startWith(async () => ({ type: 'page' as const, messages: await loadPage(input.room) })),
    ),
  filtered: member.input(messages.key).subscription(({ input, ctx }) =>
    messages
      .subscribe(input, { replay: 50 })
      .filter((e) => e.type === 'posted')
      .filter((e) => !ctx.user.blocks.includes(e.message.author))
      .map((e) => e.message),
  ),
  portable: member
    .input(messages.key.extend({ lastEventId: z.string().nullish() }))
    .subscription(({ input }) => messages.subscribe(input, { lastEventId: input.lastEventId })),
})
