// One file over 200 lines: the whole interface between the page and what it shows, so that a second source is written
// from one file.

/**
 * What the page shows. The local line implements it with actions; a source for a deployed stage implements it read-only.
 * `createInspectorHttp` serves any source. Times are epoch milliseconds of the line's clock. Texts are redacted by the
 * source: a token, a password and a session's secret id never leave it.
 *
 * Lists are paged and searched by the source. The page never asks for a whole list.
 */
export interface InspectorSource {
  /** What this source has. The page hides every list and action that is absent. The page asks again after a reload. */
  capabilities(): Promise<Capabilities>
  /** The current counts. Constant in size: the page gets it at most ten times a second. */
  status(): InspectorStatus
  /** One page of a list. Rejects with an `InspectorError` for a query that cannot be answered. */
  list<K extends ListName>(name: K, query: ListQuery): Promise<ListPage<ListRows[K]>>
  /** One opened row by its `id`. Undefined when there is none, or when it is no longer kept. */
  open<K extends ListName>(name: K, id: string, query: OpenQuery): Promise<ListItems[K] | undefined>
  /**
   * Does what a button or a form asks. Rejects with an `InspectorError` when it cannot. `signal` aborts when nobody
   * waits for the result any more: a call is cancelled then. Absent: the source is read-only and
   * `capabilities().actions` is empty.
   */
  readonly act?: (action: InspectorAction, signal: AbortSignal) => Promise<ActionResult>
  /** Calls `listener` when `status()` changed. Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void
}

/** An expected failure. The page shows its message; it is answered with this HTTP status. */
export class InspectorError extends Error {
  override readonly name = 'InspectorError'
  readonly status: 400 | 404 | 409 | 413 | 415 | 502
  constructor(status: InspectorError['status'], message: string) {
    super(message)
    this.status = status
  }
}

export const listNames = [
  'frames',
  'runs',
  'connections',
  'topics',
  'presence',
  'streams',
  'procedures',
  'channels',
] as const
export type ListName = (typeof listNames)[number]

export interface Capabilities {
  readonly source: {
    /** `stage`: a deployed stage, in the browser of somebody who has its credentials. */
    readonly kind: 'local' | 'stage'
    /** Shown in the header: the line's address, or the name of the stage. */
    readonly name: string
  }
  /** The lists that this source has, in the order of the tabs. */
  readonly lists: readonly ListCapability[]
  /** The actions that this source has. Empty: read-only. */
  readonly actions: readonly ActionName[]
  /** Whether `status().cost` counts the usage. */
  readonly cost: boolean
  /** What the fault form offers. Absent without the action `fault`. */
  readonly faults?: FaultChoices
  /** Why the procedures and channels could not be read, such as an entry that does not load. */
  readonly problem?: string
}

export interface ListCapability {
  readonly name: ListName
  /**
   * The list stays empty until something is searched: the source would have to scan. The text says what to search for,
   * such as `a principal`. Absent: the list shows its newest rows.
   */
  readonly searchFor?: string
}

export interface FaultChoices {
  /** The effects of each point. */
  readonly points: Readonly<Record<string, readonly string[]>>
  /** The names of the functions. */
  readonly functions: readonly string[]
}

export interface InspectorStatus {
  readonly now: number
  /** Distinguishes sources at the same address: each numbers its frames and runs from 1. */
  readonly startedAt: number
  /** Of each list that the source has. */
  readonly lists: Readonly<Partial<Record<ListName, ListStatus>>>
  /** Absent when the source does not count the usage. */
  readonly cost?: CostView
  /** The fault rules that apply now. */
  readonly faults: readonly ActiveFault[]
  /** Rises when procedures and channels may have changed, so that the page asks for the capabilities again. */
  readonly application: number
}

export interface ListStatus {
  /** The number of rows without a search. */
  readonly total: number
  /** Rises with each change of the list. Of `frames` and `runs`, the number of the newest row. */
  readonly version: number
  /** Rows that were dropped because the source keeps a bounded number of them. */
  readonly dropped?: number
}

/** A part of a list. */
export interface ListQuery {
  /** Words that must all occur in a row, in upper or lower case. Empty: all rows. */
  readonly search: string
  /** The rows before the first one that is returned. */
  readonly offset: number
  /** 1 to `mostRows`. */
  readonly limit: number
  /**
   * Of `frames` and `runs`: leaves out rows with a higher number, so that the offsets of a view do not move while rows
   * arrive. Absent: up to the newest row.
   */
  readonly through?: number
  /** Reads on where `ListPage.unread` stopped. */
  readonly more?: boolean
}

/** The most rows of one page. */
export const mostRows = 200

/** A page of a list, the newest rows first. Of `topics`, `procedures` and `channels` see their rows. */
export interface ListPage<Row> {
  readonly rows: readonly Row[]
  /** The number of rows that match the search. */
  readonly total: number
  /** Of `frames` and `runs`: the number up to which rows are counted. */
  readonly through?: number
  /**
   * The source stopped before it had read everything, because reading costs. The text says what was read and what
   * reading on costs. The page shows it with a button, which asks again with `more`.
   */
  readonly unread?: string
}

export interface OpenQuery {
  /** Of a topic: events with a lower offset. Absent: the newest. */
  readonly before?: number
}

export interface ListRows {
  readonly frames: FrameRow
  readonly runs: RunRow
  readonly connections: ConnectionRow
  /** The most recently changed first. */
  readonly topics: TopicRow
  readonly presence: PresenceRow
  readonly streams: StreamRow
  /** By path. */
  readonly procedures: ProcedureRow
  /** By name. */
  readonly channels: ChannelRow
}

export interface ListItems {
  readonly frames: FrameItem
  readonly runs: RunItem
  readonly connections: ConnectionItem
  readonly topics: TopicItem
  readonly presence: PresenceItem
  readonly streams: StreamItem
  readonly procedures: ProcedureItem
  readonly channels: ChannelItem
}

export interface FrameRow {
  /** Its number, as text. */
  readonly id: string
  readonly number: number
  readonly at: number
  readonly direction: 'in' | 'out'
  readonly connectionId: string
  readonly bytes: number
  /** The method of a client's frame, or the kind of a response: `data`, `started`, `stopped`, `error`. */
  readonly type: string
  /** The procedure; empty if it is not known. */
  readonly path: string
  /** The code of an error, such as `NOT_FOUND` or `GAP`. */
  readonly code?: string
}

export interface FrameItem extends FrameRow {
  /** JSON text. Truncated if `bytes` is more. */
  readonly text: string
  /** Other frames of the same calls, oldest first: a call, its answer, its pushes. */
  readonly frames: readonly FrameRow[]
  /** The runs that these frames caused, oldest first. */
  readonly runs: readonly RunRow[]
}

export interface RunRow {
  /** Its number, as text. */
  readonly id: string
  readonly number: number
  readonly name: string
  readonly endedAt: number
  readonly durationMs: number
  readonly initMs?: number
  /** From 1. */
  readonly attempt: number
  readonly outcome: 'ok' | 'error' | 'timeout' | 'killed'
  /** What the function ran: a procedure's path, or the reason such as `$connect` or `3 rows`. */
  readonly cause: string
  /** The code of the error that the procedure answered, or the type of the error that the function threw. */
  readonly code?: string
  readonly connectionId?: string
  /** The lines of console output. */
  readonly lines: number
}

export interface RunItem extends RunRow {
  readonly requestId: string
  /** What the function threw. Absent when it answered. */
  readonly error?: { readonly type: string; readonly message: string; readonly trace: readonly string[] }
  readonly output: readonly OutputText[]
  /** The output was longer than what is kept. */
  readonly isOutputCut: boolean
  /** The frames that the run belongs to, oldest first. */
  readonly frames: readonly FrameRow[]
}

/** A text that the function wrote. */
export interface OutputText {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

export interface ConnectionRow {
  /** The connection's id. */
  readonly id: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** `Trunkline` if it offered `trunkline.1`. */
  readonly client: 'Trunkline' | 'tRPC'
  readonly via: 'socket' | 'http'
  /** `lost`: the socket broke, and the gateway has not detected it yet. */
  readonly state: 'open' | 'lost'
  readonly connectedAt: number
  /** The procedures that it is subscribed by. */
  readonly paths: readonly string[]
}

export interface ConnectionItem extends ConnectionRow {
  /** The session's public id. */
  readonly session?: string
  /** What `authorize` returned. */
  readonly claims?: unknown
  /** When the authority ends. Absent when it does not. */
  readonly authExpires?: number
  readonly issuedAt?: number
  readonly renewedAt?: number
  readonly lastActiveAt?: number
  readonly sourceIp?: string
  readonly userAgent?: string
  readonly subscriptions: readonly SubscriptionView[]
}

export interface SubscriptionView {
  readonly topic: string
  /** The procedure that subscribed. */
  readonly path: string
  readonly connectionId: string
}

export interface TopicRow {
  /** The topic's name. */
  readonly id: string
  /** The channel's name. */
  readonly channel: string
  /** The offset of its newest event; absent while the source knows none. */
  readonly head?: number
  readonly subscribers: number
}

export interface TopicItem extends TopicRow {
  /** The topic's key. Absent if the name has another form. */
  readonly key?: Readonly<Record<string, string | number>>
  /** Newest first. */
  readonly events: readonly EventView[]
  /** Pass as `before` for the events before these. Absent: there are none. */
  readonly before?: number
  /** The first subscribers. */
  readonly subscriptions: readonly SubscriptionView[]
}

export interface EventView {
  readonly offset: number
  readonly at: number
  /** JSON text. Absent: the slot has no event, or it was erased. */
  readonly data?: string
  readonly erasedAt?: number
}

/** A topic of a presence. */
export interface PresenceRow {
  /** The topic's name. */
  readonly id: string
  readonly channel: string
  readonly members: number
}

export interface PresenceItem extends PresenceRow {
  readonly people: readonly PresenceMember[]
}

export interface PresenceMember {
  readonly member: string
  /** JSON text: what others see. */
  readonly data: string
  readonly sessions: readonly {
    readonly connectionId: string
    /** Its socket is closed; it may come back until `leaseUntil`. */
    readonly leaving: boolean
    readonly leaseUntil: number
  }[]
}

export interface StreamRow {
  /** The topic's name. */
  readonly id: string
  readonly channel: string
  readonly state: 'waiting' | 'running' | 'closed'
  /** Of a closed stream: `done`, `stopped`, `failed` or `lost`. */
  readonly outcome?: string
  readonly chunks: number
  readonly startedAt: number
}

export interface StreamItem extends StreamRow {
  /** How often a producer claimed it since a chunk was last put. */
  readonly tries: number
  readonly error?: { readonly code: string; readonly message: string }
}

export interface ProcedureRow {
  /** The procedure's path. */
  readonly id: string
  readonly type: 'query' | 'mutation' | 'subscription'
  /** What its `meta` says, such as `longRunning`. */
  readonly notes: readonly string[]
}

/** A JSON Schema of draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface ProcedureItem extends ProcedureRow {
  /** Absent: it has no input. */
  readonly input?: JsonSchema
}

export interface ChannelRow {
  /** The channel's name. */
  readonly id: string
  readonly kind: 'log' | 'ephemeral' | 'presence' | 'stream'
  readonly retentionMs?: number
}

export interface ChannelItem extends ChannelRow {
  readonly key: JsonSchema
  /** Of an event, of a member's data, or of a chunk. */
  readonly event: JsonSchema
}

export interface CostView {
  /** What `usd` is of: the usage since the line began, or that of the last hour, which is `usdPerHour` too. */
  readonly span: 'since-start' | 'last-hour'
  readonly pricesRead: string
  readonly lines: readonly CostLine[]
  readonly usd: number
  readonly usdPerHour: number
}

export interface CostLine {
  readonly label: string
  readonly source: string
  readonly usdPerMillion: number
  readonly used: number
  readonly usd: number
  readonly usdPerHour: number
}

export interface ActiveFault {
  readonly id: number
  /** Such as `answer: delay 2000 ms, path messages.post`. */
  readonly words: string
  readonly hits: number
}

/** How a call authenticates: not at all, with a token, or as a connection that is open. */
export type CallerChoice =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'connection'; readonly connection: string }

/** The actions. `connection` absent: all connections. */
export type InspectorAction =
  | { readonly action: 'cut'; readonly connection?: string }
  | { readonly action: 'kick'; readonly connection: string; readonly reason: string; readonly banMs?: number }
  | { readonly action: 'publish'; readonly channel: string; readonly key: unknown; readonly data: unknown }
  | { readonly action: 'call'; readonly path: string; readonly input?: unknown; readonly caller: CallerChoice }
  | { readonly action: 'stop'; readonly connection: string }
  | {
      readonly action: 'fault'
      readonly point: string
      readonly effect: string
      /** Of the effect `delay`. */
      readonly delayMs?: number
      /** @default without limit */
      readonly times?: number
      readonly path?: string
      readonly connection?: string
    }
  | { readonly action: 'clearFault'; readonly id: number }
  | { readonly action: 'clearFaults' }
  | { readonly action: 'killRuns'; readonly function: string }
  | { readonly action: 'expireToken'; readonly connection?: string }
  | { readonly action: 'twoHours'; readonly connection?: string }
  | { readonly action: 'advance'; readonly ms: number }

export type ActionName = InspectorAction['action']

/** What the page shows after an action. */
export interface ActionResult {
  /** One sentence. */
  readonly words: string
  /** JSON text: the answer of a call. */
  readonly data?: string
  /** True: the call was answered with an error, which `data` has. */
  readonly failed?: boolean
  /** The connection that the call was made on: its frames show the call. A subscription lasts until `stop`. */
  readonly connectionId?: string
}

/** The paths of the HTTP interface, below the page's address. All answer JSON but the first, which streams. */
export const routes = {
  /** `GET`, server-sent events: an `UpdateMessage` at each change. */
  updates: 'updates',
  /** `GET`: `Capabilities`. */
  capabilities: 'capabilities',
  /** `GET list/<name>?search&offset&limit&through&more`: a `ListPage`. */
  list: 'list',
  /** `GET open/<name>?id&before`: a `ListItems` entry, or 404. */
  open: 'open',
  /** `POST` of an `InspectorAction`: an `ActionResult`, or `{ "message" }` with a status of 400 or more. */
  act: 'act',
} as const

/** A message of the stream of updates. */
export interface UpdateMessage extends InspectorStatus {
  /** Updates that were left out since the last message, because the page had not read those before. */
  readonly skipped: number
}
