import { useConnection } from '@trunkline/client/react'
import { columns } from '../columns.ts'
import { BoardColumn } from './board-column.tsx'
import { cardsOf } from './board-state.ts'
import { ConnectionBadge } from './connection-badge.tsx'
import { connection } from './line.ts'
import { useBoard } from './use-board.ts'

const board = decodeURIComponent(location.hash.slice(1)) || 'main'

/** The page: three columns that follow a table. */
export function App() {
  const live = useBoard(board)
  const state = useConnection(connection)
  return (
    <div className="app">
      <header className="head">
        <h1>
          <span className="unseen">Board </span>
          {board}
        </h1>
        <p className="problem" role="status">
          {live.problem}
        </p>
        <ConnectionBadge state={state} />
      </header>
      <main className="columns" aria-busy={!live.shown.ready}>
        {columns.map((column) => (
          <BoardColumn key={column} column={column} cards={cardsOf(live.shown, column)} live={live} />
        ))}
      </main>
    </div>
  )
}
