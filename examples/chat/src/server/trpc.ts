import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import type { Context } from './auth.ts'

export const t = initTRPC.context<Context>().meta<LineMeta>().create()

/** A procedure for reading, also without a name. */
export const visitor = t.procedure.meta({ anonymous: true })

/** A procedure for writing. Visitors without a name are refused before it runs, so `ctx.user` is set. */
export const member = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Choose a name before you write.' })
  return next({ ctx: { user: ctx.user } })
})
