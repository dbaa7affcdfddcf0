import * as z from 'zod'
import { member, t } from './trpc.ts'

/** What a model's own client would give: here the prompt's words. */
async function* tokens(prompt: string, signal: AbortSignal | undefined): AsyncIterable<string> {
  for (const word of prompt.split(/(?<=\s)/)) if (!signal?.aborted) yield word
}

export const askRouter = t.router({
  ask: member.input(z.object({ prompt: z.string() })).subscription(async function* ({ input, signal }) {
    yield* tokens(input.prompt, signal)
  }),
  connection: t.procedure.query(() => 'a procedure may be called connection' as const),
})
