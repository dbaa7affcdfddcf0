import { answerTokens } from './answer-tokens.ts'
import { messages } from './channels.ts'
import { refuseMuted } from './moderation.ts'
import { botName, question } from './schemas.ts'
import { t, writer } from './trpc.ts'

/** The bot: streams its answer word by word to the user who asked, and posts the complete answer in the room. */
export const botRouter = t.router({
  /** A generator, which runs in the `worker` function. A function for one frame would end after 29 s. */
  ask: writer.input(question).subscription(async function* ({ input: { room, id, prompt }, ctx, signal }) {
    await refuseMuted(room, ctx.user.name)
    let text = ''
    for await (const token of answerTokens(prompt, signal)) {
      text += token
      yield token
    }
    if (signal?.aborted) return // an incomplete answer is not posted
    const message = { id, author: botName, text, at: Date.now() }
    await messages.publish({ room }, { type: 'posted', message }, { idempotencyKey: id })
  }),
})
