import type { Column } from '../columns.ts'
import type { BoardEvent, BoardState, Card } from '../server/schemas.ts'

/** The cards as the page shows them. */
export interface ShownBoard {
  /** False until the board has arrived. */
  readonly ready: boolean
  readonly cards: ReadonlyMap<string, Card>
  /** The columns to which cards were moved on this page, until the table reports them. */
  readonly pendingMoves: ReadonlyMap<string, Column>
  /** The cards that changed since the board arrived. */
  readonly news: ReadonlySet<string>
}

export type BoardAction =
  | BoardState
  | BoardEvent
  | { readonly type: 'move'; readonly id: string; readonly column: Column }
  | { readonly type: 'undo-move'; readonly id: string }

export const emptyBoard: ShownBoard = {
  ready: false,
  cards: new Map(),
  pendingMoves: new Map(),
  news: new Set(),
}

/** Applies an action. State from the server replaces known cards and pending moves. */
export function reduceBoard(board: ShownBoard, action: BoardAction): ShownBoard {
  switch (action.type) {
    case 'board':
      return { ...emptyBoard, ready: true, cards: new Map(action.cards.map((card) => [card.id, card])) }
    case 'card':
      return {
        ...board,
        cards: new Map(board.cards).set(action.card.id, action.card),
        pendingMoves: without(board.pendingMoves, action.card.id),
        news: new Set(board.news).add(action.card.id),
      }
    case 'gone':
      return { ...board, cards: without(board.cards, action.id), pendingMoves: without(board.pendingMoves, action.id) }
    case 'move':
      return { ...board, pendingMoves: new Map(board.pendingMoves).set(action.id, action.column) }
    case 'undo-move':
      return { ...board, pendingMoves: without(board.pendingMoves, action.id) }
  }
}

/** The cards of a column from top to bottom. Pending moves are at the end. */
export function cardsOf({ cards, pendingMoves }: ShownBoard, column: Column): readonly Card[] {
  const place = (card: Card) => (pendingMoves.has(card.id) ? Number.POSITIVE_INFINITY : card.rank)
  return [...cards.values()]
    .filter((card) => (pendingMoves.get(card.id) ?? card.column) === column)
    .sort((a, b) => compare(place(a), place(b)) || (a.id < b.id ? -1 : 1))
}

/** Compares without subtraction, since Infinity minus Infinity is NaN. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function without<V>(map: ReadonlyMap<string, V>, id: string): ReadonlyMap<string, V> {
  if (!map.has(id)) return map
  const rest = new Map(map)
  rest.delete(id)
  return rest
}
