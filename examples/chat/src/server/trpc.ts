import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { type Context, mayEnter } from './auth.ts'
import { room } from './schemas.ts'

export const t = initTRPC.context<Context>().meta<LineMeta>().create()

/** A procedure for reading, also without a name. */
export const visitor = t.procedure.meta({ anonymous: true })

/** A procedure for reading a room, also without a name, but not by a user who has lost the room. */
export const reader = visitor.input(room).use(({ ctx, input, next }) => {
  requireRoom(ctx, input)
  return next()
})

/** A procedure for writing. Visitors without a name are refused before it runs, so `ctx.user` is set. */
export const member = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Choose a name before you write.' })
  return next({ ctx: { user: ctx.user } })
})

/** A procedure for writing in a room that the user has not lost. */
export const writer = member.input(room).use(({ ctx, input, next }) => {
  requireRoom(ctx, input)
  return next()
})

function requireRoom({ user }: Context, room: { readonly room: string }): void {
  const allowed = user === null || mayEnter(room, { principal: user.id, claims: user })
  if (allowed !== true) throw new TRPCError({ code: 'FORBIDDEN', message: allowed })
}

/** A procedure for moderators. */
export const moderator = member.use(({ ctx, next }) => {
  if (!ctx.user.isModerator) throw new TRPCError({ code: 'FORBIDDEN', message: 'Only a moderator may do that.' })
  return next()
})
