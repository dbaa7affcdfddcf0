import { createLine } from '@trunkline/server'
import type { UIMessageChunk } from 'ai'
import { answer } from './model.ts'
import { answerKey, chat, chunk, turn } from './schemas.ts'

export const line = createLine()

/** The questions of a chat. */
export const turns = line.channel('ai.turns', { key: chat, event: turn, retention: '7d' })

/** The answers: one stream for each question, which is kept as long as the question. */
export const answers = line.stream('ai.answers', {
  key: answerKey,
  input: turn.pick({ text: true }),
  chunk,
  retention: '7d',
  async *produce({ key, input, signal }): AsyncGenerator<UIMessageChunk> {
    yield { type: 'start', messageId: `answer-${key.turn}` } // the same id on every page
    yield* answer(input.text, signal)
  },
})
