import { createLine } from '@trunkline/server'
import { type Claims, mayEnter } from './auth.ts'
import { memberData, messageEvent, moderationEvent, room, typist } from './schemas.ts'

export const line = createLine<Claims>()

/** The messages of a room, replayable for a week. */
export const messages = line.channel('chat.messages', {
  key: room,
  event: messageEvent,
  retention: '7d',
  authorize: mayEnter,
})

/** The members of a room. All tabs and devices of a person are one member, who is away when all of them are away. */
export const here = line.presence('chat.here', {
  key: room,
  data: memberData,
  authorize: mayEnter,
  merge: (sessions) => ({ ...sessions[0], away: sessions.every(({ away }) => away) }),
})

/** Typing events of a room. They matter only for a moment, so they are not stored. */
export const typing = line.ephemeral('chat.typing', { key: room, event: typist, authorize: mayEnter })

/** Who is muted in a room. */
export const moderation = line.channel('chat.moderation', { key: room, event: moderationEvent, retention: '2d' })
