import { createLine } from '@trunkline/server'
import { createSourceHandler } from '@trunkline/server/lambda'
import * as z from 'zod'
export const line = createLine()
export const board = line.channel('board', {
  key: z.object({ board: z.string() }),
  event: z.discriminatedUnion('type', [
    z.object({ type: z.literal('card'), id: z.string(), column: z.string() }),
    z.object({ type: z.literal('gone'), id: z.string() }),
  ]),
})
export const audit = line.channel('audit', {
  key: z.object({ org: z.string() }),
  event: z.object({ text: z.string() }),
})
const card = z.object({
  pk: z.string(),
  org: z.string(),
  board: z.string(),
  id: z.string(),
  column: z.string(),
  due: z.coerce.date().optional(),
})
export const cards = createSourceHandler({
  line,
  image: card,
  toEvents: (change) => {
    if (change.type === 'remove')
      return [board.entry({ board: change.oldImage.board }, { type: 'gone', id: change.oldImage.id })]
    const { id, column, org } = change.newImage
    return [
      board.entry({ board: change.newImage.board }, { type: 'card', id, column }),
      audit.entry({ org }, { text: `${id} → ${column}` }),
    ]
  },
})
