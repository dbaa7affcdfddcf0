import type { LineClient } from '@trunkline/client'
import type { Column } from '../columns.ts'
import type { Card } from '../server/card.ts'
import type { AppRouter } from '../server/router.ts'
import { createStore, type Store } from './store.ts'

export interface BoardState {
  /** Null until the cards have arrived. */
  readonly cards: ReadonlyMap<string, Card> | null
  /** The columns to which this page moved cards, until the table says so. */
  readonly moves: ReadonlyMap<string, Column>
  /** What failed last, or null. */
  readonly problem: string | null
}

/** A card as it is shown. `isMoving` until the table has it in this column. */
export interface ShownCard extends Card {
  readonly isMoving: boolean
}

export interface Board {
  readonly state: Store<BoardState>
  add(title: string): void
  move(id: string, column: Column): void
  remove(id: string): void
}

/** A board that follows its table. What the page does is written to the table, and comes back as an event. */
export function followBoard(client: LineClient<AppRouter>, board: string): Board {
  const store = createStore<BoardState>({ cards: null, moves: new Map(), problem: null })
  const { update } = store
  const fail = ({ message }: { readonly message: string }) => update((state) => ({ ...state, problem: message }))
  client.live.subscribe({ board }, { onData: ({ data }) => update((state) => apply(state, data)), onError: fail })

  const run = async (done: Promise<unknown>, undo = (state: BoardState) => state) => {
    update((state) => ({ ...state, problem: null }))
    try {
      await done
    } catch (error) {
      update(undo)
      fail(error as Error)
    }
  }
  return {
    state: store,
    add(title) {
      if (title.trim() !== '') void run(client.add.mutate({ board, id: crypto.randomUUID(), title: title.trim() }))
    },
    move(id, column) {
      update((state) => ({ ...state, moves: new Map(state.moves).set(id, column) }))
      void run(client.move.mutate({ board, id, column }), (state) => ({ ...state, moves: without(state.moves, id) }))
    },
    remove: (id) => void run(client.remove.mutate({ board, id })),
  }
}

type Change =
  | { readonly type: 'all'; readonly cards: readonly Card[] }
  | { readonly type: 'put'; readonly card: Card }
  | { readonly type: 'removed'; readonly id: string }

function apply(state: BoardState, change: Change): BoardState {
  if (change.type === 'all')
    return { ...state, cards: new Map(change.cards.map((card) => [card.id, card])), moves: new Map() }
  const id = change.type === 'put' ? change.card.id : change.id
  const rest = { ...state, moves: without(state.moves, id) }
  if (change.type === 'removed') return { ...rest, cards: without(state.cards ?? new Map(), id) }
  return { ...rest, cards: new Map(state.cards ?? []).set(id, change.card) }
}

/** The cards of a column from top to bottom. A card that is being moved there is the last. */
export function cardsIn({ cards, moves }: BoardState, column: Column): readonly ShownCard[] {
  return [...(cards?.values() ?? [])]
    .filter((card) => (moves.get(card.id) ?? card.column) === column)
    .map((card) => ({ ...card, isMoving: moves.has(card.id) }))
    .sort((a, b) => Number(a.isMoving) - Number(b.isMoving) || a.rank - b.rank || (a.id < b.id ? -1 : 1))
}

function without<V>(map: ReadonlyMap<string, V>, id: string): ReadonlyMap<string, V> {
  return new Map([...map].filter(([key]) => key !== id))
}
