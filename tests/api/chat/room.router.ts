import { here, typing } from './channels.ts'
import { member, t } from './trpc.ts'

export const roomRouter = t.router({
  typing: member
    .input(typing.key)
    .meta({ idempotent: true })
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user.name })),
  here: member
    .input(here.key)
    .subscription(({ input, ctx }) => here.join(input, { member: ctx.user.id, data: { name: ctx.user.name } })),
  away: member.input(here.key).mutation(({ input, ctx }) => here.update(input, { name: ctx.user.name, away: true })),
  onTyping: member.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
