import type { Message, MessageEvent } from '../server/schemas.ts'

/** An event with its cursor, as a subscription and a page give it. */
export interface LoggedEvent {
  readonly id: string
  readonly data: MessageEvent
}

/** What this browser holds of one room's log: a run of it, oldest first, without doubles. */
export interface Timeline {
  readonly log: readonly LoggedEvent[]
  /** Own messages that the server took and whose event is still under way. */
  readonly confirmed: readonly Message[]
  /** The run starts where the log does. */
  readonly complete: boolean
}

export type TimelineAction =
  | { readonly type: 'live'; readonly event: LoggedEvent }
  | { readonly type: 'page'; readonly page: { readonly events: readonly LoggedEvent[]; readonly older: string | null } }
  | { readonly type: 'confirmed'; readonly message: Message }
  | { readonly type: 'gap' }

export const emptyTimeline: Timeline = { log: [], confirmed: [], complete: false }

/** One step of a room's life, pure. */
export function reduceTimeline(timeline: Timeline, action: TimelineAction): Timeline {
  switch (action.type) {
    case 'live':
      return isHeld(timeline, action.event) ? timeline : { ...timeline, log: [...timeline.log, action.event] }
    case 'page':
      return {
        ...timeline,
        log: [...unheld(timeline, action.page.events), ...timeline.log],
        complete: action.page.older === null,
      }
    case 'confirmed':
      return {
        ...timeline,
        confirmed: [...timeline.confirmed.filter((m) => m.id !== action.message.id), action.message],
      }
    case 'gap':
      return { ...emptyTimeline, confirmed: timeline.confirmed } // what follows does not join on to what was held
  }
}

function isHeld(timeline: Timeline, event: LoggedEvent): boolean {
  return timeline.log.findLast((held) => held.id === event.id) !== undefined
}

/** The part of a page before the held run. What a page has after its first held event will come, or came, live. */
function unheld(timeline: Timeline, page: readonly LoggedEvent[]): readonly LoggedEvent[] {
  const joint = page.findIndex((event) => isHeld(timeline, event))
  return joint === -1 ? page : page.slice(0, joint)
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
