import { createLine } from '@trunkline/server'
import * as z from 'zod'

export const line = createLine()

const board = z.object({ board: z.string().min(1).max(64) })
/** A part of the board's width or height. */
const part = z.number().min(0).max(1)

/** Who is here. It changes when somebody comes, leaves or takes another name: some requests a person, not 20 a second. */
export const people = line.presence('people', {
  key: board,
  data: z.object({ name: z.string().min(1).max(40), hue: z.int().min(0).max(359) }),
  graceMs: 2_000, // a pointer without a person is in the way: a short loss of the network may show as leaving
})

/** Where the pointers are. Only the newest place matters, so nothing is stored and nothing is replayed. */
export const pointers = line.ephemeral('pointers', {
  key: board,
  event: z.object({ member: z.string(), x: part, y: part }),
})
