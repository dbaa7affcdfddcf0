import { createLine } from '@trunkline/server'
import { messageEvent, room, typist } from './schemas.ts'

export const line = createLine()

/** What was said in a room, replayable for a week. */
export const messages = line.channel('chat.messages', { key: room, event: messageEvent, retention: '7d' })

/** Who is typing in a room: worth nothing a moment later, so nothing is kept. */
export const typing = line.ephemeral('chat.typing', { key: room, event: typist })
