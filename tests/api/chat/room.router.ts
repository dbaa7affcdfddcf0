import { typing } from './channels.ts'
import { member, t } from './trpc.ts'

export const roomRouter = t.router({
  typing: member
    .input(typing.key)
    .meta({ idempotent: true })
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user.name })),
  onTyping: member.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
