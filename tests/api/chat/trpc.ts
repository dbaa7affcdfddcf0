import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import type { Context } from './auth.ts'
export const t = initTRPC.context<Context>().meta<LineMeta>().create()
export const member = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED' })
  return next({ ctx: { user: ctx.user } })
})
