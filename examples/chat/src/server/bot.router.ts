import { answerTokens } from './answer-tokens.ts'
import { messages } from './channels.ts'
import { botName, question } from './schemas.ts'
import { member, t } from './trpc.ts'

/** The bot: its answer is written word by word for whoever asks, and stands in the room when it is whole. */
export const botRouter = t.router({
  /** A generator, so it runs in the `worker` function: a frame's would be cut off after 29 s. */
  ask: member.input(question).subscription(async function* ({ input: { room, id, prompt }, signal }) {
    let text = ''
    for await (const token of answerTokens(prompt, signal)) {
      text += token
      yield token
    }
    if (signal?.aborted) return // nobody wants half an answer
    const message = { id, author: botName, text, at: Date.now() }
    await messages.publish({ room }, { type: 'posted', message }, { idempotencyKey: id })
  }),
})
