import * as z from 'zod'
import { columns } from '../columns.ts'

export const column = z.enum(columns)

/** The key of every topic, and the first part of every row's key. */
export const boardKey = z.object({ board: z.string().min(1).max(64) })

/** A card, as a row of the table holds it and as the page shows it. Rows are written by anybody, so only what is needed is asked for. */
export const card = z.object({
  id: z.string().min(1),
  title: z.string().trim().min(1).max(200),
  column,
  /** Cards of a column stand in this order. */
  rank: z.number().default(0),
  /** Who wrote the row last, where they say. */
  by: z.string().max(40).optional(),
})
export type Card = z.infer<typeof card>

/** A row of the table. */
export const cardRow = boardKey.extend(card.shape)

/** What may happen on a board. */
export const boardEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('card'), card }),
  z.object({ type: z.literal('gone'), id: z.string() }),
])
export type BoardEvent = z.infer<typeof boardEvent>

/** What a subscription begins with. */
export interface BoardState {
  readonly type: 'board'
  readonly cards: readonly Card[]
}
