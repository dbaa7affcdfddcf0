import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import type { UIMessageChunk } from 'ai'
import * as z from 'zod'

declare function model(question: string, options: { signal: AbortSignal }): AsyncIterable<UIMessageChunk>

const line = createLine()
const question = z.object({ chat: z.string(), id: z.string() }) // the id of the question's message
const questions = line.channel('ai.questions', {
  key: question.pick({ chat: true }),
  event: question.pick({ id: true }),
})
const answers = line.stream('ai.answers', {
  key: question,
  input: z.object({ text: z.string() }),
  chunk: z.custom<UIMessageChunk>(),
  async *produce({ key, input, signal }): AsyncGenerator<UIMessageChunk> {
    yield { type: 'start', messageId: `answer-${key.id}` } // the same id on every page
    yield* model(input.text, { signal }) // such as streamText({ … }).toUIMessageStream()
  },
})

const t = initTRPC.create()
export const appRouter = t.router({
  ask: t.procedure.input(question.extend({ text: z.string() })).mutation(async ({ input: { text, chat, id } }) => {
    await answers.start({ chat, id }, { text })
    await questions.publish({ chat }, { id })
    return { chat, id }
  }),
  newest: t.procedure.input(questions.key).query(async ({ input }) => {
    const { events } = await questions.read(input, { limit: 1 })
    return events.map(({ data }) => ({ ...input, ...data })).at(0) ?? null
  }),
  watch: t.procedure.input(question).subscription(({ input }) => answers.subscribe(input)),
  stop: t.procedure.input(question).mutation(({ input }) => answers.stop(input)),
})
export type AppRouter = typeof appRouter
