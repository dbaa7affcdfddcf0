import { column } from '../server/schemas.ts'
import { moveCard, readCards } from '../server/table.ts'

// Moves a card with AWS credentials only: node --env-file=.trunkline/local.env dist/move.js "Write the README" done
const [title = '', to, board = 'main'] = process.argv.slice(2)
const target = column.safeParse(to)
if (!target.success) {
  console.error(`Usage: move <title of the card> <${column.options.join(' | ')}> [board]`)
  process.exit(1)
}
const card = (await readCards(board)).find((one) => one.title.toLowerCase() === title.toLowerCase())
if (card === undefined) {
  console.error(`There is no card "${title}" on the board ${board}.`)
  process.exit(1)
}
await moveCard({ board, id: card.id }, target.data, 'a script')
console.log(`${card.title}: ${card.column} → ${target.data}`)
