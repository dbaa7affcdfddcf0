import { moveCard, readCards } from './table.ts'

/** The part of EventBridge's scheduled event that is used. */
export interface ScheduledEvent {
  /** ISO 8601. */
  readonly time: string
}

const maxDoing = 2 // cards in `doing` at the same time

/**
 * Runs on a schedule: moves the oldest cards of `todo` to `doing` while `doing` has fewer than two. It uses only the
 * table, no line and no socket. A schedule may fire twice, so the rule depends only on the current board.
 */
export async function takeUpNext(_: ScheduledEvent, board = 'main'): Promise<readonly string[]> {
  const cards = [...(await readCards(board))].sort((a, b) => a.rank - b.rank)
  const room = Math.max(0, maxDoing - cards.filter(({ column }) => column === 'doing').length)
  const next = cards.filter(({ column }) => column === 'todo').slice(0, room)
  for (const { id } of next) await moveCard({ board, id }, 'doing', 'the schedule')
  return next.map(({ title }) => title)
}
