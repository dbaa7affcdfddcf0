import { initTRPC } from '@trpc/server'
import { startLocalLine } from '@trunkline/local'

const t = initTRPC.create()
const router = t.router({ a: t.procedure.query(() => 1) })
export async function call() {
  await using local = await startLocalLine({ router })
  return await local.connect().client.a.query()
}
const t2 = initTRPC.context<{ user: string }>().create()
const router2 = t2.router({ a: t2.procedure.query(() => 1) })
// @ts-expect-error createContext is needed
export const refused = () => startLocalLine({ router: router2 })
