import { column } from '../server/schemas.ts'
import { moveCard, readCards } from '../server/table.ts'

// Moves a card with AWS credentials alone: node --env-file=.trunkline/local.env dist/move.js "Write the README" done
const [title = '', to, board = 'main'] = process.argv.slice(2)
const wanted = column.safeParse(to)
if (!wanted.success) {
  console.error(`Usage: move <title of the card> <${column.options.join(' | ')}> [board]`)
  process.exit(1)
}
const card = (await readCards(board)).find((one) => one.title.toLowerCase() === title.toLowerCase())
if (card === undefined) {
  console.error(`There is no card "${title}" on the board ${board}.`)
  process.exit(1)
}
await moveCard({ board, id: card.id }, wanted.data, 'a script')
console.log(`${card.title}: ${card.column} → ${wanted.data}`)
