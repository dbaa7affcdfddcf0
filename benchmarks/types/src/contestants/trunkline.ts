import { type Contestant, schemasOf } from './contestant.ts'
import { procedureOf, rootOf, usesOf } from './trpc-router.ts'

/** Channels, a tRPC router over them, handlers, and a client with Trunkline's options. */
export const trunkline: Contestant = {
  id: 'trunkline',
  name: 'Trunkline: channels, handlers, `createClient`',
  base: `import { initTRPC } from '@trpc/server'
import { createLine, type LineMeta } from '@trunkline/server'
export const line = createLine()
export const t = initTRPC.meta<LineMeta>().create()
`,
  router: (index, procedures) => `import * as z from 'zod'
import { line, t } from './base.js'
${schemasOf(index)}
const channel = line.channel('events${index}', { key, event, retention: '7d' })
export const router${index} = t.router({
${procedures.map((procedure) => procedureOf(procedure, "({ input }) => channel.subscribe(input, { replay: 5 }).filter((event): event is Posted => event.type === 'posted')")).join('\n')}
})
`,
  root: (routers) => `${rootOf(routers)}
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './base.js'
export const { websocket } = createLambdaHandlers({ router: appRouter, line })
`,
  client: (routers, procedures) => `import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from './root.js'
const client = createClient<AppRouter>({ connection: createConnection({ url: 'wss://example.com' }) })
${usesOf(routers, procedures)}
`,
}
