import { here, typing } from './channels.ts'
import { memberData } from './schemas.ts'
import { member, t, visitor, writer } from './trpc.ts'

/** Presence and typing in a room. */
export const roomRouter = t.router({
  typing: writer
    .input(typing.key)
    .meta({ idempotent: true })
    .mutation(({ input, ctx }) => typing.publish(input, { author: ctx.user.name })),

  /** Makes the subscriber a member of the room while the subscription lasts. */
  here: member
    .input(here.key)
    .subscription(({ input, ctx }) => here.join(input, { member: ctx.user.id, data: { name: ctx.user.name } })),

  /** Reports the members without joining. */
  watch: visitor.input(here.key).subscription(({ input }) => here.watch(input)),

  away: member
    .input(here.key.extend(memberData.pick({ away: true }).shape))
    .meta({ idempotent: true })
    .mutation(({ input: { room, away }, ctx }) => here.update({ room }, { name: ctx.user.name, away })),

  onTyping: visitor.input(typing.key).subscription(({ input }) => typing.subscribe(input)),
})
