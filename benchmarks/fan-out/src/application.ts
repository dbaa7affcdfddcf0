import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

/** The line of all parts of the benchmark. */
export const line = createLine()
const key = z.object({ topic: z.string() })
export const events = line.channel('events', { key, event: z.object({ n: z.number() }), retention: '24h' })
const t = initTRPC.create()
export const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
})
