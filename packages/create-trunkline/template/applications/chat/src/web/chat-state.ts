export interface Message {
  readonly id: string
  readonly author: string
  readonly text: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** A message, or the place of messages that were missed and cannot be replayed. */
export type Row = ({ readonly kind: 'message' } & Message) | { readonly kind: 'gap'; readonly id: string }

/** A message of this page whose event has not arrived. `problem` says why it was not sent. */
export interface Draft {
  readonly id: string
  readonly text: string
  readonly problem: string | null
}

export interface ChatState {
  /** Null until the newest page has arrived. */
  readonly rows: readonly Row[] | null
  /** The cursor of the page before the first row, or null. */
  readonly older: string | null
  readonly drafts: readonly Draft[]
  readonly members: readonly string[]
  readonly typists: readonly string[]
  /** Why a subscription ended, or null. */
  readonly problem: string | null
}

export interface Page {
  readonly events: readonly { readonly data: Message }[]
  readonly older: string | null
}

export type PresenceEvent =
  | { readonly type: 'here'; readonly members: readonly { readonly member: string }[] }
  | { readonly type: 'join' | 'update' | 'leave'; readonly member: string }

export const emptyChat: ChatState = { rows: null, older: null, drafts: [], members: [], typists: [], problem: null }

/** Adds the newest page: the first one, or one after a gap, which is shown unless the page continues the rows. */
export function addNewest(state: ChatState, { events, older }: Page): ChatState {
  const arrived = events.map(({ data }) => data)
  if (state.rows === null) return { ...state, rows: arrived.map(toRow), older }
  const known = new Set(state.rows.map(({ id }) => id))
  const isContinued = arrived.some(({ id }) => known.has(id))
  const gap: Row[] = isContinued || state.rows.length === 0 ? [] : [{ kind: 'gap', id: `gap-${state.rows.at(-1)?.id}` }]
  const shown = { ...state, rows: [...state.rows, ...gap] }
  return arrived.reduce(addMessage, shown)
}

export function addOlder(state: ChatState, { events, older }: Page): ChatState {
  return { ...state, rows: [...events.map(({ data }) => toRow(data)), ...(state.rows ?? [])], older }
}

export function addMessage(state: ChatState, message: Message): ChatState {
  const rows = state.rows ?? []
  return {
    ...state,
    rows: rows.some(({ id }) => id === message.id) ? rows : [...rows, toRow(message)],
    drafts: state.drafts.filter(({ id }) => id !== message.id),
    typists: state.typists.filter((name) => name !== message.author),
  }
}

export function changeMembers(state: ChatState, event: PresenceEvent): ChatState {
  const others = (name: string) => state.members.filter((member) => member !== name)
  const members =
    event.type === 'here'
      ? event.members.map(({ member }) => member)
      : event.type === 'leave'
        ? others(event.member)
        : [...others(event.member), event.member]
  return { ...state, members: [...members].sort((a, b) => a.localeCompare(b)) }
}

const toRow = (message: Message): Row => ({ kind: 'message', ...message })
