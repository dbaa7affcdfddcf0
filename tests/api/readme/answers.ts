import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

declare function model(prompt: string, options: { signal: AbortSignal }): AsyncIterable<string>

const line = createLine()
const answers = line.stream('chat.answers', {
  key: z.object({ chat: z.string(), question: z.string() }), // each key is a stream of its own
  input: z.object({ prompt: z.string() }), // what `produce` gets
  chunk: z.object({ text: z.string() }),
  retention: '7d', // after its end; 24 hours unless set
  onLost: 'close', // or 'restart', or 'continue'
  async *produce({ input, signal }) {
    for await (const text of model(input.prompt, { signal })) yield { text }
  },
})

const t = initTRPC.create()
export const appRouter = t.router({
  ask: t.procedure
    .input(answers.key.extend({ prompt: z.string() }))
    .mutation(({ input: { prompt, ...key } }) => answers.start(key, { prompt })),
  watch: t.procedure.input(answers.key).subscription(({ input }) => answers.subscribe(input)),
  stop: t.procedure.input(answers.key).mutation(({ input }) => answers.stop(input)),
})
export type AppRouter = typeof appRouter
