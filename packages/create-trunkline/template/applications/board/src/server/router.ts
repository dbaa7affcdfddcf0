import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { boardKey, card, column } from './card.ts'
import { changes } from './line.ts'
import { moveCard, putCard, readCards, removeCard } from './table.ts'

const t = initTRPC.meta<LineMeta>().create()

/** A mutation that writes the table and publishes nothing. It is safe to repeat. */
const write = t.procedure.meta({ idempotent: true })
const cardKey = boardKey.extend(card.pick({ id: true }).shape)

export const appRouter = t.router({
  add: write
    .input(cardKey.extend(card.pick({ title: true }).shape))
    .mutation(({ input: { title, ...key } }) => putCard(key, { title, column: 'todo', rank: Date.now() })),

  move: write.input(cardKey.extend({ column })).mutation(async ({ input: { column, ...key } }) => {
    if (!(await moveCard(key, column))) throw new TRPCError({ code: 'NOT_FOUND', message: 'This card is gone.' })
  }),

  remove: write.input(cardKey).mutation(({ input }) => removeCard(input)),

  /** The cards of the table, then each change. After a gap, the cards again. */
  live: t.procedure
    .input(boardKey)
    .subscription(({ input }) =>
      changes.subscribe(input).startWith(async () => ({ type: 'all' as const, cards: await readCards(input.board) })),
    ),
})
export type AppRouter = typeof appRouter
