import type { Column } from '../columns.ts'
import { putCard } from '../server/table.ts'

// Writes some cards of a board directly into the table.
const cards: readonly (readonly [id: string, column: Column, title: string])[] = [
  ['labels', 'todo', 'Order new labels for the shelf'],
  ['heater', 'todo', 'Ask the landlord about the heater'],
  ['invoice', 'todo', 'Send the May invoices'],
  ['bench', 'doing', 'Sand the long bench'],
  ['photos', 'doing', 'Photos of the oak table'],
  ['keys', 'done', 'A second set of keys for Mara'],
]
const [board = 'main'] = process.argv.slice(2)
for (const [index, [id, column, title]] of cards.entries()) await putCard({ board, id, column, title, rank: index + 1 })
console.log(`${cards.length} cards on the board ${board}`)
