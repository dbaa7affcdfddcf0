import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { answers, turns } from './chats.ts'
import { answerKey, chat, turn } from './schemas.ts'

const t = initTRPC.meta<LineMeta>().create()
const turnsShown = 20

export const appRouter = t.router({
  /** Asks a question. Returns the key of the answer's stream. */
  ask: t.procedure
    .meta({ repeatable: true })
    .input(chat.extend(turn.shape))
    .mutation(async ({ input: { chat, ...asked } }) => {
      await refuseWhileWriting(chat, asked.id)
      const key = { chat, turn: asked.id }
      await answers.start(key, { text: asked.text })
      await turns.publish({ chat }, asked)
      return key
    }),

  /** The chunks of an answer from the first one, then those that follow. `GET /read/watch` serves them to curl. */
  watch: t.procedure.input(answerKey).subscription(({ input }) => answers.subscribe(input)),

  stop: t.procedure.input(answerKey).mutation(({ input }) => answers.stop(input)),

  /** The chat so far, then each new question. After a gap, the chat so far again. */
  follow: t.procedure
    .input(chat)
    .subscription(({ input }) =>
      turns
        .subscribe(input)
        .startWith(async () => ({ type: 'history' as const, turns: await readHistory(input.chat) })),
    ),
})
export type AppRouter = typeof appRouter

/** The newest questions with the chunks of their answers. The chunks of an answer that is being written are left out. */
async function readHistory(chat: string) {
  const { events } = await turns.read({ chat }, { limit: turnsShown })
  return Promise.all(
    events.map(async ({ data }) => {
      const { chunks, status } = await answers.read({ chat, turn: data.id })
      const isOpen = status.state !== 'closed'
      return { ...data, isOpen, chunks: isOpen ? [] : chunks.map((one) => one.data) }
    }),
  )
}

async function refuseWhileWriting(chat: string, id: string): Promise<void> {
  const { events } = await turns.read({ chat }, { limit: 1 })
  const newest = events.at(-1)?.data.id
  if (newest === undefined || newest === id) return
  const { state } = await answers.status({ chat, turn: newest })
  if (state === 'running' || state === 'waiting')
    throw new TRPCError({ code: 'CONFLICT', message: 'Another answer is being written in this chat. Wait or stop it.' })
}
