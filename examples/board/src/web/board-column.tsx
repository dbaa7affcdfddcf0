import { type DragEvent, useState } from 'react'
import type { Column } from '../columns.ts'
import type { Card } from '../server/schemas.ts'
import { AddCard } from './add-card.tsx'
import { CardItem, dragType } from './card-item.tsx'
import { columnNames } from './column-names.ts'
import type { LiveBoard } from './use-board.ts'

/** One column. Cards are moved to it by drag and drop or by their buttons. */
export function BoardColumn({ column, cards, live }: { column: Column; cards: readonly Card[]; live: LiveBoard }) {
  const [over, setOver] = useState(false)
  const allow = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(dragType)) return
    event.preventDefault()
    setOver(true)
  }
  const drop = (event: DragEvent) => {
    setOver(false)
    const id = event.dataTransfer.getData(dragType)
    if (id !== '' && !cards.some((card) => card.id === id)) live.move(id, column)
  }
  return (
    <section
      className="column"
      data-column={column}
      data-over={over}
      aria-labelledby={`column-${column}`}
      onDragOver={allow}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <h2 id={`column-${column}`}>
        {columnNames[column]} <span className="count">{cards.length}</span>
      </h2>
      <ul className="cards">
        {cards.map((card) => (
          <CardItem key={card.id} card={card} column={column} live={live} />
        ))}
      </ul>
      {column === 'todo' && <AddCard onAdd={live.add} />}
    </section>
  )
}
