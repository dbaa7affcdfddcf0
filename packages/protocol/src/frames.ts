import type { Retry, TrunklineErrorCode } from './errors.ts'
import type { GatewayLimits } from './limits.ts'

/** Names one call or subscription. `1` and `"1"` are two ids, as in tRPC. */
export type FrameId = string | number

/** `epoch:offset`, see `cursor.ts`. */
export type CursorText = string

/** Why events cannot be replayed. */
export type GapReason = 'expired' | 'new-epoch' | 'not-resumable' | 'overflow'

// ---------------------------------------------------------------- client to server

/** A query or a mutation. `key` makes a mutation happen once whatever is resent. */
export interface CallFrame {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly method: 'query' | 'mutation'
  readonly params: {
    readonly path: string
    readonly input?: unknown
    readonly key?: string
    /** This mutation was sent before, without a key. */
    readonly resend?: true
    /** W3C trace context. What is none is passed over, so that tracing never fails a call. */
    readonly traceparent?: unknown
  }
}

/** Starts or resumes a subscription. `ref` rises with each attempt of one session; a stock client sends none, which counts as 1. */
export interface SubscribeFrame {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly method: 'subscription'
  readonly params: {
    readonly path: string
    readonly input?: unknown
    readonly lastEventId?: CursorText
    readonly ref?: number
  }
}

/** Ends a subscription; `params.ref` is the highest ref sent for it, absent from a stock client. */
export interface StopFrame {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly method: 'subscription.stop'
  readonly params?: { readonly ref?: number }
}

/** The first frame of a client that declared `trunkline.1`. */
export interface HelloFrame {
  readonly id: FrameId
  readonly method: 'hello'
}

/** Asks for what a subscription has after `from`; the answer is one `synced` frame for each, then its events. */
export interface SyncFrame {
  readonly id: FrameId
  readonly method: 'sync'
  readonly params: {
    readonly subscriptions: readonly { readonly id: FrameId; readonly ref: number; readonly from: CursorText }[]
  }
}

/** Renews the authority of the living connection by a fresh token of the same principal. */
export interface AuthFrame {
  readonly id: FrameId
  readonly method: 'auth'
  readonly params: { readonly token: string }
}

/** Nobody waits any more for a call that was `accepted`. `key` as the answer said it. */
export interface CancelFrame {
  readonly id: FrameId
  readonly method: 'cancel'
  readonly params?: { readonly key?: string }
}

/** A keepalive. A mocked integration answers it, so no function runs. */
export interface PingFrame {
  readonly method: 'ping'
}

/**
 * A part of a message that is larger than the socket carries, either way: `part` of `of`, which together have `bytes` in UTF-8.
 * `id` is that of the message's first frame: whatever is wrong with the message is answered under it.
 */
export interface ChunkFrame {
  readonly id: FrameId
  readonly method: 'chunk'
  readonly params: {
    /** The sender's name for the message. */
    readonly message: string
    /** From 0. */
    readonly part: number
    readonly of: number
    readonly bytes: number
    readonly text: string
  }
}

/** tRPC's first message of a client that connected with `?connectionParams=1`. */
export interface ConnectionParamsFrame {
  readonly method: 'connectionParams'
  readonly data: Readonly<Record<string, string>> | null
}

/** Whatever a client may send in one element of a message. */
export type ClientFrame =
  | CallFrame
  | SubscribeFrame
  | StopFrame
  | HelloFrame
  | SyncFrame
  | AuthFrame
  | CancelFrame
  | PingFrame
  | ChunkFrame
  | ConnectionParamsFrame

// ---------------------------------------------------------------- server to client

interface Answer<R> {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly result: R
}

/** A call's one result, or one event of a subscription. With `id` the event stands in a log at that cursor; no event in (`prev`, offset) is for this subscription. `prev` left out is offset − 1. With `n` it is the n-th value of the generator that attempt `ref` began, and `id` is the generator's own. */
export interface DataResult {
  readonly type: 'data'
  readonly data?: unknown
  readonly id?: CursorText
  readonly prev?: number
  readonly ref?: number
  readonly n?: number
}
/** The subscription lives. For a log: everything after `from` follows in frames; `head` is the newest offset the server saw. With `gap`, events before `from` are lost. */
export interface StartedResult {
  readonly type: 'started'
  readonly ref?: number
  readonly from?: CursorText
  readonly head?: CursorText
  readonly gap?: GapReason
  /** A generator's: the values that came before. The first one has `n` + 1. */
  readonly n?: number
  /** A `snapshot` frame follows: the state at `from`, which makes good a gap too. */
  readonly snapshot?: true
  /** How often the client must be heard of so that its session counts as present; only where that is sooner than its own keepalive. */
  readonly keepaliveMs?: number
}
/** The state that a subscription begins with, as it was at `id` or a little later; the events after `id` follow. `data` is tRPC's tracked envelope. */
export interface SnapshotResult {
  readonly type: 'snapshot'
  readonly id: CursorText
  readonly data: unknown
}
/** The answer to an `auth`. Epoch milliseconds. */
export interface AuthorizedResult {
  readonly type: 'authorized'
  readonly authExpires: number
}
/** The answer to a `sync` for one subscription; the frames after it cover (`from`, …]. */
export interface SyncedResult {
  readonly type: 'synced'
  readonly from: CursorText
  readonly head: CursorText
  readonly gap?: GapReason
}
/** Nothing in (`prev`, offset] is for this subscription: the position moves, the application sees nothing. */
export interface AdvanceResult {
  readonly type: 'advance'
  readonly id: CursorText
  readonly prev: number
}
/** An event that `filter` or `map` could not be evaluated for: the position moves, the application is told. */
export interface FaultResult {
  readonly type: 'fault'
  readonly id: CursorText
  readonly prev?: number
  readonly error: unknown
}
/** With `n`, the end of a generator, which comes after its value n − 1. */
export interface StoppedResult {
  readonly type: 'stopped'
  readonly ref?: number
  readonly n?: number
}
/** A generator that has nothing to say lives; `n` is its last value's. */
export interface AliveResult {
  readonly type: 'alive'
  readonly ref: number
  readonly n: number
}
/** A call runs in a function of its own, and its answer will be pushed. It may be cancelled, by its `key` where it has one; a keyed mutation may be asked for again after `askAfterMs`. */
export interface AcceptedResult {
  readonly type: 'accepted'
  readonly key?: string
  readonly askAfterMs?: number
}
/** Times are epoch milliseconds. `refused` says why the server will delete this connection. */
export interface HelloResult {
  readonly type: 'hello'
  readonly session: string
  readonly time: number
  readonly limits: GatewayLimits
  readonly authExpires?: number
  readonly refused?: string
  /** Whether the router has a data transformer; absent where the server does not say. */
  readonly transformer?: boolean
}

/** What the line itself says of a failure, beside tRPC's error shape. */
export interface TrunklineErrorWire {
  readonly code: TrunklineErrorCode | 'PENDING'
  readonly retry: Retry
  readonly retryAfterMs?: number
  readonly mayHaveRun: boolean
}
/** `error` is the router's (formatted, transformed) error shape. `line` is there when the line failed and not the procedure. With `ref`, the end of a generator's attempt, and with `n` one that comes after its value n − 1. `refused` says why an `auth` was refused, whatever the shape of `error`. */
export interface ErrorFrame {
  readonly id: FrameId | null
  readonly jsonrpc?: '2.0'
  readonly error: unknown
  readonly line?: TrunklineErrorWire
  readonly ref?: number
  readonly n?: number
  readonly refused?: string
}
export type AnswerFrame = Answer<
  | DataResult
  | StartedResult
  | SnapshotResult
  | AuthorizedResult
  | SyncedResult
  | AdvanceResult
  | FaultResult
  | StoppedResult
  | AliveResult
  | AcceptedResult
  | HelloResult
>
/** tRPC's notice: open a second socket, move over, close this one. */
export interface ReconnectFrame {
  readonly id: null
  readonly method: 'reconnect'
}
/** API Gateway's own words in the socket; it names no call. */
export interface GatewayFrame {
  readonly message: string
  readonly connectionId: string
  readonly requestId: string
}
export interface PongFrame {
  readonly pong: true
}

/** Whatever a client may receive in one element of a message; a client that declared `trunkline.1` may receive arrays of these. */
export type ServerFrame = AnswerFrame | ErrorFrame | ReconnectFrame | ChunkFrame | GatewayFrame | PongFrame
