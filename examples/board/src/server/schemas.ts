import * as z from 'zod'
import { columns } from '../columns.ts'

export const column = z.enum(columns)

/** The key of every topic, and the first part of every row's key. */
export const boardKey = z.object({ board: z.string().min(1).max(64) })

/**
 * A card, in a row of the table and on the page. Other programs write rows too, so only the necessary members are
 * required.
 */
export const card = z.object({
  id: z.string().min(1),
  title: z.string().trim().min(1).max(200),
  column,
  /** The order of the cards in a column. */
  rank: z.number().default(0),
  /** The last writer of the row, if known. */
  by: z.string().max(40).optional(),
})
export type Card = z.infer<typeof card>

/** A row of the table. */
export const cardRow = boardKey.extend(card.shape)

/** The events of a board. */
export const boardEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('card'), card }),
  z.object({ type: z.literal('gone'), id: z.string() }),
])
export type BoardEvent = z.infer<typeof boardEvent>

/** The state with which a subscription begins. */
export interface BoardState {
  readonly type: 'board'
  readonly cards: readonly Card[]
}
