import { moveCard, readCards } from './table.ts'

/** What of EventBridge's scheduled event is read. */
export interface ScheduledEvent {
  /** ISO 8601. */
  readonly time: string
}

const atOnce = 2 // cards that are worked on at the same time

/**
 * Runs on a schedule: takes up the oldest card of `todo` while there is room in `doing`. It has no line and no socket, only the table.
 * A schedule may fire twice, so the rule looks at how the board stands and not at how often it ran.
 */
export async function takeUpNext(_: ScheduledEvent, board = 'main'): Promise<readonly string[]> {
  const cards = [...(await readCards(board))].sort((a, b) => a.rank - b.rank)
  const room = Math.max(0, atOnce - cards.filter(({ column }) => column === 'doing').length)
  const next = cards.filter(({ column }) => column === 'todo').slice(0, room)
  for (const { id } of next) await moveCard({ board, id }, 'doing', 'the schedule')
  return next.map(({ title }) => title)
}
