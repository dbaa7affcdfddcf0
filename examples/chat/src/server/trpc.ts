import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import type { Context } from './auth.ts'

export const t = initTRPC.context<Context>().meta<LineMeta>().create()

/** A procedure for reading, without a name. */
export const visitor = t.procedure

/** A procedure for writing. `ctx.user` is set. */
export const member = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Choose a name before you write.' })
  return next({ ctx: { user: ctx.user } })
})
