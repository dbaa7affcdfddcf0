import * as z from 'zod'
import { answerTokens } from './answer-tokens.ts'
import { line, messages } from './channels.ts'
import { answerKey, botName, question } from './schemas.ts'

/**
 * The bot's answers while they are written. Each is a stream, which the function `worker` produces: it continues when
 * the person who asked leaves, and everybody in the room can watch it from its first word.
 */
export const answers = line.stream('chat.answers', {
  key: answerKey,
  input: question.pick({ prompt: true }),
  chunk: z.string(),
  retention: '7d', // as the messages: an answer that did not end well is shown as far as it came
  async *produce({ key: { room, id }, input: { prompt }, signal }) {
    let text = ''
    for await (const token of answerTokens(prompt, signal)) {
      text += token
      yield token
    }
    if (signal.aborted) return // an incomplete answer is not posted
    const message = { id, author: botName, text, at: Date.now() }
    await messages.publish({ room }, { type: 'posted', message }, { idempotencyKey: id })
  },
})
