import { initTRPC, TRPCError } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { board } from './channels.ts'
import { type BoardState, boardKey, card, column } from './schemas.ts'
import { moveCard, putCard, readCards, removeCard } from './table.ts'

const t = initTRPC.meta<LineMeta>().create()
const by = 'a browser'
const cardKey = boardKey.extend(card.pick({ id: true }).shape)

/**
 * Mutations write the table and publish nothing, since the table is the only source of events. They are safe to repeat.
 */
const writes = t.procedure.meta({ idempotent: true })

export const appRouter = t.router({
  add: writes
    .input(cardKey.extend(card.pick({ title: true }).shape))
    .mutation(({ input }) => putCard({ ...input, column: 'todo', rank: Date.now(), by })),

  move: writes.input(cardKey.extend({ column })).mutation(async ({ input: { column, ...key } }) => {
    if ((await moveCard(key, column, by)) === 'absent')
      throw new TRPCError({ code: 'NOT_FOUND', message: 'This card is gone.' })
  }),

  remove: writes.input(cardKey).mutation(({ input }) => removeCard(input)),

  /** The current board, then its events. After a gap, the board again. */
  live: t.procedure
    .input(boardKey)
    .subscription(({ input }) =>
      board
        .subscribe(input)
        .startWith(async (): Promise<BoardState> => ({ type: 'board', cards: await readCards(input.board) })),
    ),
})
export type AppRouter = typeof appRouter
