import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import type { Context } from './auth.ts'

export const t = initTRPC.context<Context>().meta<LineMeta>().create()

/** For whoever reads: a name is not needed. */
export const visitor = t.procedure

/** For whoever writes: `ctx.user` is there. */
export const member = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Choose a name before you write.' })
  return next({ ctx: { user: ctx.user } })
})
