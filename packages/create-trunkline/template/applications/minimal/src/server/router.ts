import { initTRPC } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { notes } from './line.ts'

const t = initTRPC.meta<LineMeta>().create()

export const appRouter = t.router({
  /** Its only effect is a publish, which is safe to repeat after a failure. */
  post: t.procedure
    .meta({ repeatable: true })
    .input(notes.key.extend(notes.event.pick({ text: true }).shape))
    .mutation(({ input: { room, text } }) => notes.publish({ room }, { text, at: Date.now() })),

  /** The newest notes, then each new one. After a gap, the newest notes again. */
  live: t.procedure
    .input(notes.key)
    .subscription(({ input }) =>
      notes.subscribe(input).startWith(async () => ({ newest: (await notes.read(input, { limit: 50 })).events })),
    ),
})
export type AppRouter = typeof appRouter
