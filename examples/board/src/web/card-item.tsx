import { type Column, columns } from '../columns.ts'
import type { Card } from '../server/schemas.ts'
import { columnNames } from './column-names.ts'
import type { LiveBoard } from './use-board.ts'

/** The drag type of a card, so that other dragged items are ignored. */
export const dragType = 'application/x-card'

/** A card with its buttons. */
export function CardItem({ card, column, live }: { card: Card; column: Column; live: LiveBoard }) {
  const at = columns.indexOf(column)
  const pending = column !== card.column
  return (
    <li
      className="card"
      data-id={card.id}
      data-pending={pending}
      data-news={live.shown.news.has(card.id)}
      draggable
      onDragStart={(event) => event.dataTransfer.setData(dragType, card.id)}
    >
      <p className="title">{card.title}</p>
      <div className="row">
        <span className="by clip">{card.by === undefined ? '' : `by ${card.by}`}</span>
        <MoveButton arrow="←" to={columns[at - 1]} card={card} live={live} />
        <MoveButton arrow="→" to={columns[at + 1]} card={card} live={live} />
        <button type="button" aria-label={`Remove ${card.title}`} onClick={() => live.remove(card.id)}>
          ×
        </button>
      </div>
    </li>
  )
}

function MoveButton({ arrow, to, card, live }: { arrow: string; to: Column | undefined; card: Card; live: LiveBoard }) {
  if (to === undefined) return null
  return (
    <button
      type="button"
      className="go"
      aria-label={`Move ${card.title} to ${columnNames[to]}`}
      onClick={() => live.move(card.id, to)}
    >
      {arrow}
    </button>
  )
}
