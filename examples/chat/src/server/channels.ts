import { createLine } from '@trunkline/server'
import { memberData, messageEvent, room, typist } from './schemas.ts'

export const line = createLine()

/** What was said in a room, replayable for a week. */
export const messages = line.channel('chat.messages', { key: room, event: messageEvent, retention: '7d' })

/** Who is in a room: all tabs and devices of a person are one member, who is away only where nobody is at any of them. */
export const here = line.presence('chat.here', {
  key: room,
  data: memberData,
  merge: (sessions) => ({ ...sessions[0], away: sessions.every(({ away }) => away) }),
})

/** Who is typing in a room: worth nothing a moment later, so nothing is kept. */
export const typing = line.ephemeral('chat.typing', { key: room, event: typist })
