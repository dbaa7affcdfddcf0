import { principalOf } from './auth.ts'
import { line, moderation } from './channels.ts'
import { kickInput, muteInput } from './schemas.ts'
import { moderator, t } from './trpc.ts'

const kickMs = 60_000

/** What a moderator may do. Which rooms a user may enter is in the user's token, so the issuer changes that. */
export const moderationRouter = t.router({
  /** Until then, the user may read the room and not write there. 0 minutes end it. */
  mute: moderator
    .meta({ repeatable: true })
    .input(muteInput)
    .mutation(({ input: { room, name, minutes } }) =>
      moderation.publish({ room }, { type: 'muted', name, until: Date.now() + minutes * 60_000 }),
    ),

  /** Ends all connections of a user, who may come back after a minute. */
  kick: moderator
    .meta({ repeatable: true })
    .input(kickInput)
    .mutation(async ({ input: { name } }) => {
      const ban = new Date(Date.now() + kickMs)
      const reason = 'A moderator ended your visit. Come back in a minute'
      return line.kick({ principal: principalOf(name), reason, ban })
    }),
})
