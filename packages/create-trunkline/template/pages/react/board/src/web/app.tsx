import { type Column, columns } from '../columns.ts'
import { Composer } from './composer.tsx'
import { type BoardState, cardsIn, type ShownCard } from './follow-board.ts'
import { Head } from './head.tsx'
import { board, columnNames, movesFrom, name } from './page.ts'
import { useStore } from './use-store.ts'

export function App() {
  const state = useStore(board.state)
  return (
    <div className="app">
      <Head title={`Board: ${name}`} problem={state.problem} />
      <main>
        <div className="columns" aria-busy={state.cards === null}>
          {columnNames.map((column) => (
            <ColumnView key={column} column={column} state={state} />
          ))}
        </div>
        <Composer label="New card" maxLength={200} onSubmit={board.add}>
          <button type="submit" className="primary">
            Add
          </button>
        </Composer>
      </main>
    </div>
  )
}

function ColumnView({ column, state }: { column: Column; state: BoardState }) {
  const cards = cardsIn(state, column)
  return (
    <section className="column" aria-labelledby={column} tabIndex={0}>
      <h2 id={column}>
        {columns[column]} <span className="soft">{cards.length}</span>
      </h2>
      <ul className="cards">
        {cards.map((card) => (
          <CardView key={card.id} card={card} column={column} />
        ))}
      </ul>
    </section>
  )
}

function CardView({ card: { id, title, isMoving }, column }: { card: ShownCard; column: Column }) {
  return (
    <li className="row card" data-moving={isMoving}>
      <p>{title}</p>
      <div className="buttons">
        {movesFrom(column).map(({ arrow, to }) => (
          <button
            key={to}
            type="button"
            className="small"
            aria-label={`Move ${title} to ${columns[to]}`}
            onClick={() => board.move(id, to)}
          >
            {arrow}
          </button>
        ))}
        <button type="button" className="small" aria-label={`Remove ${title}`} onClick={() => board.remove(id)}>
          ×
        </button>
      </div>
    </li>
  )
}
