import { here, typing } from './channels.ts'
import { memberData } from './schemas.ts'
import { member, t, visitor } from './trpc.ts'

/** What is going on in a room besides its messages. */
export const roomRouter = t.router({
  typing: member
    .input(typing.key)
    .meta({ idempotent: true })
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user.name })),

  /** Being in the room, for as long as one listens. */
  here: member
    .input(here.key)
    .subscription(({ input, ctx }) => here.join(input, { member: ctx.user.id, data: { name: ctx.user.name } })),

  /** Seeing who is there without being there. */
  watch: visitor.input(here.key).subscription(({ input }) => here.watch(input)),

  away: member
    .input(here.key.extend(memberData.pick({ away: true }).shape))
    .meta({ idempotent: true })
    .mutation(({ input: { room, away }, ctx }) => here.update({ room }, { name: ctx.user.name, away })),

  onTyping: visitor.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
