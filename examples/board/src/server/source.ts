import { createSourceHandler } from '@trunkline/server/lambda'
import { board, line } from './channels.ts'
import { cardRow } from './schemas.ts'

/**
 * The handler of the stream of the cards table: each write of a card, by any program, becomes one event for all
 * browsers.
 */
export const cards = createSourceHandler({
  line,
  image: cardRow,
  toEvents: (change) => {
    if (change.type === 'remove')
      return [board.entry({ board: change.oldImage.board }, { type: 'gone', id: change.oldImage.id })]
    const { board: name, ...card } = change.newImage
    return [board.entry({ board: name }, { type: 'card', card })]
  },
})
