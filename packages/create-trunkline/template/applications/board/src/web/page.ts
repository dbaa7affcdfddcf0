import { type Column, columns } from '../columns.ts'
import { type Board, followBoard } from './follow-board.ts'
import { client } from './line.ts'
import './page.css'

/** The board of the page’s address: `/#kitchen`. */
export const name = decodeURIComponent(location.hash.slice(1)) || 'main'

const followed = followBoard(client, name)
export const board: Board = {
  ...followed,
  move(id, column) {
    focusColumn(document.getElementById(column))
    followed.move(id, column)
  },
  remove(id) {
    focusColumn(document.activeElement)
    followed.remove(id)
  },
}

/** A card takes its buttons with it, so the focus of a keyboard goes to the column that `inside` is in. */
function focusColumn(inside: Element | null): void {
  if (document.activeElement?.matches(':focus-visible')) inside?.closest('section')?.focus()
}

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
