import { initTRPC } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { answers, questions } from './line.ts'

const t = initTRPC.meta<LineMeta>().create()

export const appRouter = t.router({
  /** Starts the answer and shows the question on every page. A retry starts nothing twice: the id is the stream’s. */
  ask: t.procedure
    .meta({ repeatable: true })
    .input(questions.key.extend(questions.event.shape))
    .mutation(async ({ input: { conversation, id, text } }) => {
      await answers.start({ conversation, id }, { text })
      await questions.publish({ conversation }, { id, text })
    }),

  /** The newest questions, then each new one. After a gap, the newest questions again. */
  follow: t.procedure
    .input(questions.key)
    .subscription(({ input }) =>
      questions
        .subscribe(input)
        .startWith(async () => ({ newest: (await questions.read(input, { limit: 20 })).events })),
    ),

  /** The words of an answer from the first one, then those that follow. */
  watch: t.procedure.input(answers.key).subscription(({ input }) => answers.subscribe(input)),

  /** Ends an answer for everybody. */
  stop: t.procedure.input(answers.key).mutation(({ input }) => answers.stop(input)),
})
export type AppRouter = typeof appRouter
