import type { Column } from '../columns.ts'
import type { BoardEvent, BoardState, Card } from '../server/schemas.ts'

/** The cards as the page shows them. */
export interface ShownBoard {
  /** False until the board has come. */
  readonly ready: boolean
  readonly cards: ReadonlyMap<string, Card>
  /** Where cards were put on this page, until the table says so. */
  readonly wanted: ReadonlyMap<string, Column>
  /** Cards of which something was heard since the board came. */
  readonly news: ReadonlySet<string>
}

export type BoardAction =
  | BoardState
  | BoardEvent
  | { readonly type: 'want'; readonly id: string; readonly column: Column }
  | { readonly type: 'unwant'; readonly id: string }

export const emptyBoard: ShownBoard = {
  ready: false,
  cards: new Map(),
  wanted: new Map(),
  news: new Set(),
}

/** What comes from the line is how the table stands: it replaces what was there, and what was wished for. */
export function reduceBoard(board: ShownBoard, action: BoardAction): ShownBoard {
  switch (action.type) {
    case 'board':
      return { ...emptyBoard, ready: true, cards: new Map(action.cards.map((card) => [card.id, card])) }
    case 'card':
      return {
        ...board,
        cards: new Map(board.cards).set(action.card.id, action.card),
        wanted: without(board.wanted, action.card.id),
        news: new Set(board.news).add(action.card.id),
      }
    case 'gone':
      return { ...board, cards: without(board.cards, action.id), wanted: without(board.wanted, action.id) }
    case 'want':
      return { ...board, wanted: new Map(board.wanted).set(action.id, action.column) }
    case 'unwant':
      return { ...board, wanted: without(board.wanted, action.id) }
  }
}

/** The cards of a column from top to bottom; what was just put there is at the end. */
export function cardsOf({ cards, wanted }: ShownBoard, column: Column): readonly Card[] {
  const place = (card: Card) => (wanted.has(card.id) ? Number.POSITIVE_INFINITY : card.rank)
  return [...cards.values()]
    .filter((card) => (wanted.get(card.id) ?? card.column) === column)
    .sort((a, b) => compare(place(a), place(b)) || (a.id < b.id ? -1 : 1))
}

/** Not by difference: that of two infinities is no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function without<V>(map: ReadonlyMap<string, V>, id: string): ReadonlyMap<string, V> {
  if (!map.has(id)) return map
  const rest = new Map(map)
  rest.delete(id)
  return rest
}
