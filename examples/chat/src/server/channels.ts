import { createLine } from '@trunkline/server'
import { memberData, messageEvent, room, typist } from './schemas.ts'

export const line = createLine()

/** The messages of a room, replayable for a week. */
export const messages = line.channel('chat.messages', { key: room, event: messageEvent, retention: '7d' })

/** The members of a room. All tabs and devices of a person are one member, who is away when all of them are away. */
export const here = line.presence('chat.here', {
  key: room,
  data: memberData,
  merge: (sessions) => ({ ...sessions[0], away: sessions.every(({ away }) => away) }),
})

/** Typing events of a room. They matter only for a moment, so they are not stored. */
export const typing = line.ephemeral('chat.typing', { key: room, event: typist })
