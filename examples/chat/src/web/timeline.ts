import { botName, type Message, type MessageEvent } from '../server/schemas.ts'

/** An event with its cursor, from the subscription or a page. */
export interface LoggedEvent {
  readonly id: string
  readonly data: MessageEvent
}

/** A page of a room's log, oldest first. */
export interface Page {
  readonly events: readonly LoggedEvent[]
  /** The cursor for the previous page; null when there is none. */
  readonly older: string | null
}

/**
 * An event of the subscription: first the newest page, then each event after it. After a gap it starts again with a
 * page.
 */
export interface Received {
  readonly id: string
  readonly data: (Page & { readonly type: 'page' }) | MessageEvent
}

/** The known part of a room's log, oldest first, without duplicates. */
export interface Timeline {
  readonly log: readonly LoggedEvent[]
  /** The cursor for the previous page; null at the beginning of the log. */
  readonly older: string | null
  /** Own messages that the server accepted and whose event has not arrived. */
  readonly confirmed: readonly Message[]
}

export type TimelineAction =
  | { readonly type: 'received'; readonly received: Received }
  | { readonly type: 'older'; readonly before: string; readonly page: Page }
  | { readonly type: 'confirmed'; readonly message: Message }

/** Applies an action to the timeline. There is no timeline before its first page. */
export function reduceTimeline(timeline: Timeline | undefined, action: TimelineAction): Timeline | undefined {
  switch (action.type) {
    case 'received':
      return follow(timeline, action.received)
    case 'older':
      return timeline?.older === action.before ? prepend(timeline, action.page) : timeline // ignored after a gap
    case 'confirmed':
      return timeline === undefined || isPosted(timeline, action.message)
        ? timeline
        : { ...timeline, confirmed: [...timeline.confirmed, action.message] }
  }
}

function follow(timeline: Timeline | undefined, { id, data }: Received): Timeline | undefined {
  // A confirmed message is in the page, is older, or will follow: the page is read after the position.
  if (data.type === 'page') return { log: data.events, older: data.older, confirmed: [] }
  // the page may contain it already
  if (timeline === undefined || timeline.log.some((event) => event.id === id)) return timeline
  const confirmed = timeline.confirmed.filter((message) => data.type !== 'posted' || data.message.id !== message.id)
  return { ...timeline, log: [...timeline.log, { id, data }], confirmed }
}

function prepend(timeline: Timeline, { events, older }: Page): Timeline {
  return { ...timeline, log: [...events, ...timeline.log], older }
}

/** Whether a message is already shown, by its event or by an earlier answer. */
function isPosted({ log, confirmed }: Timeline, { id }: Message): boolean {
  return (
    confirmed.some((message) => message.id === id) ||
    log.some(({ data }) => data.type === 'posted' && data.message.id === id)
  )
}

/** A question to the bot whose answer is not posted yet. */
export interface Asked {
  readonly id: string
  readonly asker: string
  readonly prompt: string
}

export interface ShownMessage {
  readonly message: Message
  readonly edited: boolean
  /** Set while the bot's answer is not posted. The message has no text then. */
  readonly asked?: Asked
}

/**
 * The messages to show, in the same order for everyone. An id is shown once, where it was posted first, and an answer of
 * the bot where it was asked. Only its author can change a message, and a removed message never returns.
 */
export function messagesOf(timeline: Timeline): readonly ShownMessage[] {
  const shown = new Map<string, ShownMessage>()
  const removed = new Set<string>()
  for (const { data } of timeline.log) {
    if (data.type === 'posted' || data.type === 'asked') {
      const next = data.type === 'posted' ? { message: data.message, edited: false } : unanswered(data)
      const { id } = next.message
      if (isAnswer(next, shown.get(id)) || (!shown.has(id) && !removed.has(id))) shown.set(id, next)
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

function unanswered({ id, asker, prompt, at }: MessageEvent & { type: 'asked' }): ShownMessage {
  return { message: { id, author: botName, text: '', at }, edited: false, asked: { id, asker, prompt } }
}

/** Whether the message is the posted answer to a question that is shown. */
function isAnswer({ message, asked }: ShownMessage, shown: ShownMessage | undefined): boolean {
  return shown?.asked !== undefined && asked === undefined && message.author === botName
}
