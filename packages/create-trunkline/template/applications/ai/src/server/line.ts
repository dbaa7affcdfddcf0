import { createLine } from '@trunkline/server'
import * as z from 'zod'
import { answer } from './model.ts'

export const line = createLine()

const conversation = z.object({ conversation: z.string().min(1).max(64) })
const question = z.object({ id: z.uuid(), text: z.string().trim().min(1).max(2_000) })

/** The questions of a conversation, kept for a week. */
export const questions = line.channel('questions', { key: conversation, event: question, retention: '7d' })

/**
 * The answers: one stream for each question, with the question’s id. A function writes it, whether or not a page reads
 * it. After a reload, a page gets it from its first word.
 */
export const answers = line.stream('answers', {
  key: conversation.extend(question.pick({ id: true }).shape),
  input: question.pick({ text: true }),
  chunk: z.string(),
  retention: '7d',
  produce: ({ input, signal }) => answer(input.text, signal),
})
