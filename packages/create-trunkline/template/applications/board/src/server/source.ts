import { createSourceHandler } from '@trunkline/server/lambda'
import { row } from './card.ts'
import { changes, line } from './line.ts'

/** The handler of the table’s stream: each change of a row, by any program, becomes one event. */
export const cards = createSourceHandler({
  line,
  image: row,
  toEvents(change) {
    if (change.type === 'remove') {
      const { board, id } = change.oldImage
      return [changes.entry({ board }, { type: 'removed', id })]
    }
    const { board, ...card } = change.newImage
    return [changes.entry({ board }, { type: 'put', card })]
  },
})
