import { type Column, columns } from '../columns.ts'
import { followBoard } from './follow-board.ts'
import { client } from './line.ts'
import './page.css'

/** The board of the page’s address: `/#kitchen`. */
export const name = decodeURIComponent(location.hash.slice(1)) || 'main'

export const board = followBoard(client, name)

export const columnNames = Object.keys(columns) as readonly Column[]

/** The buttons that move a card of a column: an arrow, and the column that it leads to. */
export function movesFrom(column: Column): readonly { readonly arrow: string; readonly to: Column }[] {
  const at = columnNames.indexOf(column)
  const [before, after] = [columnNames[at - 1], columnNames[at + 1]]
  return [
    ...(before === undefined ? [] : [{ arrow: '←', to: before }]),
    ...(after === undefined ? [] : [{ arrow: '→', to: after }]),
  ]
}
