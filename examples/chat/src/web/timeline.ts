import type { Message, MessageEvent } from '../server/schemas.ts'

/** An event with its cursor, as the subscription and its page give it. */
export interface LoggedEvent {
  readonly id: string
  readonly data: MessageEvent
}

/** A page of a room's log, oldest first. */
export interface Page {
  readonly events: readonly LoggedEvent[]
  /** Where the page before it ends; null when there is none. */
  readonly older: string | null
}

/** What the subscription tells: first the newest page, then each event after it. After a gap it begins again with a page. */
export interface Told {
  readonly id: string
  readonly data: (Page & { readonly type: 'page' }) | MessageEvent
}

/** What this browser holds of one room: a run of its log, oldest first, without doubles. */
export interface Timeline {
  readonly log: readonly LoggedEvent[]
  /** Where the page before the run ends; null when the run starts where the log does. */
  readonly older: string | null
  /** Own messages that the server took and whose event is still under way. */
  readonly confirmed: readonly Message[]
}

export type TimelineAction =
  | { readonly type: 'told'; readonly told: Told }
  | { readonly type: 'older'; readonly before: string; readonly page: Page }
  | { readonly type: 'confirmed'; readonly message: Message }

/** One step of a room's life, pure. There is no timeline before its first page. */
export function reduceTimeline(timeline: Timeline | undefined, action: TimelineAction): Timeline | undefined {
  switch (action.type) {
    case 'told':
      return follow(timeline, action.told)
    case 'older':
      return timeline?.older === action.before ? prepend(timeline, action.page) : timeline // else a gap came between
    case 'confirmed':
      return timeline === undefined || isPosted(timeline, action.message)
        ? timeline
        : { ...timeline, confirmed: [...timeline.confirmed, action.message] }
  }
}

function follow(timeline: Timeline | undefined, { id, data }: Told): Timeline | undefined {
  // What was confirmed is in the page, or older than it, or yet to come: the page is read behind the position.
  if (data.type === 'page') return { log: data.events, older: data.older, confirmed: [] }
  if (timeline === undefined || timeline.log.some((event) => event.id === id)) return timeline // the page may hold it already
  const confirmed = timeline.confirmed.filter((message) => data.type !== 'posted' || data.message.id !== message.id)
  return { ...timeline, log: [...timeline.log, { id, data }], confirmed }
}

function prepend(timeline: Timeline, { events, older }: Page): Timeline {
  return { ...timeline, log: [...events, ...timeline.log], older }
}

/** Shown already, by its event or by an answer that came before. */
function isPosted({ log, confirmed }: Timeline, { id }: Message): boolean {
  return (
    confirmed.some((message) => message.id === id) ||
    log.some(({ data }) => data.type === 'posted' && data.message.id === id)
  )
}

export interface ShownMessage {
  readonly message: Message
  readonly edited: boolean
}

/**
 * The messages to show, in the order that everyone sees. One id is shown once, where it was posted first; it can be
 * changed by its author alone; a removed one never returns.
 */
export function messagesOf(timeline: Timeline): readonly ShownMessage[] {
  const shown = new Map<string, ShownMessage>()
  const removed = new Set<string>()
  for (const { data } of timeline.log) {
    if (data.type === 'posted') {
      if (!shown.has(data.message.id) && !removed.has(data.message.id))
        shown.set(data.message.id, { message: data.message, edited: false })
      continue
    }
    const target = shown.get(data.id)
    if (target === undefined || target.message.author !== data.author) continue
    if (data.type === 'edited') shown.set(data.id, { message: { ...target.message, text: data.text }, edited: true })
    else if (shown.delete(data.id)) removed.add(data.id)
  }
  for (const message of timeline.confirmed) {
    if (!shown.has(message.id) && !removed.has(message.id)) shown.set(message.id, { message, edited: false })
  }
  return [...shown.values()]
}
