import { moderation } from './channels.ts'
import { muteInput } from './schemas.ts'
import { moderator, t } from './trpc.ts'

/** What a moderator may do. Which rooms a user may enter is in the user's token, so the issuer changes that. */
export const moderationRouter = t.router({
  /** Until then, the user may read the room and not write there. 0 minutes end it. */
  mute: moderator
    .meta({ repeatable: true })
    .input(muteInput)
    .mutation(({ input: { room, name, minutes } }) =>
      moderation.publish({ room }, { type: 'muted', name, until: Date.now() + minutes * 60_000 }),
    ),
})
