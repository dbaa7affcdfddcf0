import { createLine } from '@trunkline/server'
import * as z from 'zod'
import { boardKey, card } from './card.ts'

export const line = createLine()

/** The changes of a board. No code publishes them: they come from the stream of the table. */
export const changes = line.channel('changes', {
  key: boardKey,
  event: z.discriminatedUnion('type', [
    z.object({ type: z.literal('put'), card }),
    z.object({ type: z.literal('removed'), id: z.string() }),
  ]),
})
