import { createLine } from '@trunkline/server'
import * as z from 'zod'

export const line = createLine()

const room = z.object({ room: z.string().min(1).max(64) })

/** The messages of a room, kept for a week. The page makes the id, so that it can match a message with its event. */
export const messages = line.channel('messages', {
  key: room,
  event: z.object({
    id: z.uuid(),
    author: z.string(),
    text: z.string().trim().min(1).max(2_000),
    at: z.number(),
  }),
  retention: '7d',
})

/** Who is in a room. All tabs and devices of a person are one member. */
export const here = line.presence('here', { key: room, data: z.object({}) })

/** Who is typing. It matters for a moment only, so it is not stored. */
export const typing = line.ephemeral('typing', { key: room, event: z.object({ author: z.string() }) })
