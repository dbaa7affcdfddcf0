import { createLine } from '@trunkline/server'
import * as z from 'zod'

export const line = createLine()

/** The notes of a room. Each room is a log of its own, which is kept for a week. */
export const notes = line.channel('notes', {
  key: z.object({ room: z.string().min(1).max(64) }),
  event: z.object({ text: z.string().trim().min(1).max(500), at: z.number() }),
  retention: '7d',
})
