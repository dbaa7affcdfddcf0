import { type Contestant, schemasOf } from './contestant.ts'
import { procedureOf, rootOf, usesOf } from './trpc-router.ts'

/** The same router with generators, with tRPC's `ws` adapter and `wsLink`. */
export const trpc: Contestant = {
  id: 'trpc',
  name: 'plain tRPC: generators with `tracked`, `wsLink`',
  base: `import { initTRPC } from '@trpc/server'
export const t = initTRPC.create()
`,
  router: (index, procedures) => `import { tracked } from '@trpc/server'
import * as z from 'zod'
import { t } from './base.js'
${schemasOf(index)}
declare function listen(room: string): AsyncIterable<z.infer<typeof event>>
export const router${index} = t.router({
${procedures.map((procedure) => procedureOf(procedure, "async function* ({ input }) { for await (const event of listen(input.room)) if (event.type === 'posted') yield tracked(event.id, event as Posted) }")).join('\n')}
})
`,
  root: (routers) => `${rootOf(routers)}
import { applyWSSHandler } from '@trpc/server/adapters/ws'
declare const wss: Parameters<typeof applyWSSHandler>[0]['wss']
applyWSSHandler({ wss, router: appRouter })
`,
  client: (routers, procedures) => `import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { AppRouter } from './root.js'
const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: createWSClient({ url: 'wss://example.com' }) })] })
${usesOf(routers, procedures)}
`,
}
