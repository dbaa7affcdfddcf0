import { createSourceHandler } from '@trunkline/server'
import { board, line } from './channels.ts'
import { cardRow } from './schemas.ts'

/** The handler of the cards table's stream: whoever writes a card, every browser hears of it, once. */
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
