import type { TurnRow } from '../ports/turn-row.ts'
import type { Operations } from './operations.ts'

/** Whose turn it is to deliver a shard. */
export function createTurns() {
  const rows = new Map<string, TurnRow>()
  const nameOf = (topic: string, shard: number) => `${shard} ${topic}`

  const operations: Operations<'readTurn' | 'putTurn'> = {
    readTurn: (topic, shard) => rows.get(nameOf(topic, shard)),
    putTurn(row, over) {
      const name = nameOf(row.topic, row.shard)
      const standing = rows.get(name)
      if (standing?.mark === over) {
        rows.set(name, row)
        return { status: 'put' }
      }
      return standing?.mark === row.mark ? { status: 'put' } : { status: 'standing', row: standing }
    },
  }
  return { operations, tables: () => [rows] }
}
