import { describe, expect, it } from 'vitest'
import type { Column } from '../columns.ts'
import type { Card } from '../server/schemas.ts'
import { type BoardAction, cardsOf, emptyBoard, reduceBoard } from './board-state.ts'

const card = (id: string, column: Column, rank: number): Card => ({ id, title: id, column, rank })
const after = (...actions: readonly BoardAction[]) => actions.reduce(reduceBoard, emptyBoard)
const idsOf = (board: ReturnType<typeof after>, column: Column) => cardsOf(board, column).map(({ id }) => id)
const start: BoardAction = { type: 'board', cards: [card('b', 'todo', 2), card('a', 'todo', 1), card('c', 'done', 3)] }

describe('the board', () => {
  it('is not ready before its state has arrived', () => {
    expect(after().ready).toBe(false)
    expect(after(start).ready).toBe(true)
  })

  it('is sorted by rank, and by id for equal ranks', () => {
    expect(idsOf(after(start), 'todo')).toEqual(['a', 'b'])
    expect(idsOf(after(start, { type: 'card', card: card('0', 'todo', 2) }), 'todo')).toEqual(['a', '0', 'b'])
  })

  it('follows cards that are added, moved and removed', () => {
    const moved = after(start, { type: 'card', card: card('a', 'done', 9) }, { type: 'gone', id: 'c' })
    expect(idsOf(moved, 'todo')).toEqual(['b'])
    expect(idsOf(moved, 'done')).toEqual(['a'])
  })

  it('shows a moved card at its new place until the table reports its place', () => {
    const put = after(start, { type: 'move', id: 'a', column: 'done' })
    expect(idsOf(put, 'done')).toEqual(['c', 'a'])
    expect(idsOf(reduceBoard(put, { type: 'card', card: card('a', 'doing', 9) }), 'doing')).toEqual(['a'])
    expect(idsOf(reduceBoard(put, { type: 'undo-move', id: 'a' }), 'todo')).toEqual(['a', 'b'])
  })

  it('starts again with a new state after a gap', () => {
    const again = after(start, { type: 'move', id: 'a', column: 'done' }, { type: 'board', cards: [] })
    expect(again.cards.size + again.pendingMoves.size).toBe(0)
  })
})
