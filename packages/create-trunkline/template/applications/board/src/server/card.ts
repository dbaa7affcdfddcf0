import * as z from 'zod'
import { type Column, columns } from '../columns.ts'

export const boardKey = z.object({ board: z.string().min(1).max(64) })

export const column = z.enum(Object.keys(columns) as [Column, ...Column[]])

export const card = z.object({
  id: z.string().min(1),
  title: z.string().trim().min(1).max(200),
  column,
  /** The order in the column, from top to bottom. */
  rank: z.number(),
})
export type Card = z.infer<typeof card>

/** A row of the table. Other programs write rows too: one that is no card is skipped. */
export const row = boardKey.extend(card.shape)
