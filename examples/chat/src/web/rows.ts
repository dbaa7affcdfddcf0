import type { ShownMessage } from './timeline.ts'

const pauseMs = 5 * 60_000 // 5 min: after a longer pause the author's name is shown again

/** A message with its place in the list. */
export interface Row<T extends ShownMessage> {
  readonly shown: T
  /** The first of consecutive messages of an author, which shows the name and the time. */
  readonly leads: boolean
  /** The first message of its day. */
  readonly startsDay: boolean
}

/** Groups messages by author and day. Each message stays a row of its own, so that a new one moves no other. */
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
