import { initTRPC } from '@trpc/server'
import type { JwtClaims } from '@trunkline/server/jwt'

/** Who calls, as `authorize` found it in the token. */
export interface Context {
  readonly user: string
  readonly claims: JwtClaims
}

const t = initTRPC.context<Context>().create()

export const router = t.router({
  whoAmI: t.procedure.query(({ ctx: { user, claims } }) => ({ user, may: claims.scope ?? 'nothing' })),
})
