import { createLine } from '@trunkline/server'
import * as z from 'zod'
import { message, room } from './schemas.ts'
export const line = createLine()
export const messages = line.channel('chat.messages', {
  key: room,
  retention: '7d',
  event: z.discriminatedUnion('type', [
    z.object({ type: z.literal('posted'), message }),
    z.object({ type: z.literal('edited'), id: z.uuid(), text: z.string() }),
    z.object({ type: z.literal('removed'), id: z.uuid() }),
  ]),
})
export const here = line.presence('chat.here', {
  key: room,
  data: z.object({ name: z.string(), away: z.boolean().default(false) }),
})
export const typing = line.ephemeral('chat.typing', { key: room, event: z.object({ author: z.string() }) })
