import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

/** The line that the writers publish to. */
export const line = createLine()
const key = z.object({ topic: z.string() })
export const events = line.channel('hot', { key, event: z.object({ text: z.string() }), retention: '24h' })
export const router = initTRPC.create().router({})
