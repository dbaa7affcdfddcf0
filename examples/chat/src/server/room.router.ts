import { typing } from './channels.ts'
import { member, t, visitor } from './trpc.ts'

/** What is going on in a room besides its messages. */
export const roomRouter = t.router({
  typing: member
    .input(typing.key)
    .meta({ idempotent: true })
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user.name })),

  onTyping: visitor.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
