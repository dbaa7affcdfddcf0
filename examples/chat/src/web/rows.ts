import type { ShownMessage } from './timeline.ts'

const pauseMs = 5 * 60_000 // after 5 min of silence the author is named again

/** A message as it stands in the list. */
export interface Row<T extends ShownMessage> {
  readonly shown: T
  /** The first of what its author says in one go: it bears the name and the time. */
  readonly leads: boolean
  /** The first of its day. */
  readonly startsDay: boolean
}

/** Puts messages together as people read them. The rows stay apart, so that one that comes before or after moves no other. */
export function toRows<T extends ShownMessage>(messages: readonly T[]): readonly Row<T>[] {
  return messages.map((shown, index) => {
    const previous = messages[index - 1]
    const startsDay = previous === undefined || dayOf(previous) !== dayOf(shown)
    return { shown, startsDay, leads: startsDay || !continues(previous, shown) }
  })
}

function continues(previous: ShownMessage, next: ShownMessage): boolean {
  return previous.message.author === next.message.author && next.message.at - previous.message.at < pauseMs
}

function dayOf({ message }: ShownMessage): string {
  return new Date(message.at).toDateString()
}
