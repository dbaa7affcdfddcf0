import { TRPCError } from '@trpc/server'
import { answers } from './answers.ts'
import { messages } from './channels.ts'
import { refuseMuted } from './moderation.ts'
import { answerKey, question } from './schemas.ts'
import { member, reader, t, writer } from './trpc.ts'

/** The bot: writes its answer word by word for everybody in the room, and posts the complete answer there. */
export const botRouter = t.router({
  /** Starts an answer and announces it in the room. Both are done once, however often the call is repeated. */
  ask: writer
    .meta({ repeatable: true })
    .input(question)
    .mutation(async ({ input: { room, id, prompt }, ctx }) => {
      const asker = ctx.user.name
      await refuseMuted(room, asker)
      await answers.start({ room, asker, id }, { prompt })
      await messages.publish({ room }, { type: 'asked', id, asker, prompt, at: Date.now() })
    }),

  /** The words of an answer from the first one, then those that follow. */
  answer: reader
    .meta({ anonymous: true })
    .input(answerKey)
    .subscription(({ input }) => answers.subscribe(input)),

  /** Stops an answer, from any device of the person who asked, or by a moderator. */
  stop: member.input(answerKey).mutation(({ input, ctx: { user } }) => {
    if (input.asker === user.name || user.isModerator) return answers.stop(input)
    throw new TRPCError({ code: 'FORBIDDEN', message: `Only ${input.asker} or a moderator may stop this answer.` })
  }),
})
