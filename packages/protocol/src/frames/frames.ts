// One file over 200 lines: all frames of the protocol are here, so that they can be read together with PROTOCOL.md.

import type { GatewayLimits } from '../limits/limits.ts'
import type { Retry, TrunklineErrorCode } from './errors.ts'

/** The id of one call or subscription. `1` and `"1"` are different ids, as in tRPC. */
export type FrameId = string | number

/** A cursor as `epoch:offset`; see `cursor.ts`. */
export type CursorText = string

/**
 * Why events cannot be replayed: expired, in another epoch, not resumable, or too many; of a stream also: it began again,
 * or its chunks were erased.
 */
export type GapReason = 'expired' | 'new-epoch' | 'not-resumable' | 'overflow' | 'restarted' | 'erased'

// ---------------------------------------------------------------- client to server

/** A query or a mutation. A mutation with a `key` takes effect once, even when it is sent again. */
export interface CallFrame {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly method: 'query' | 'mutation'
  readonly params: {
    readonly path: string
    readonly input?: unknown
    readonly key?: string
    /** The same mutation was sent before, so it may already have run. */
    readonly resend?: true
    /** The W3C trace context. An invalid value is ignored, so that tracing never fails a call. */
    readonly traceparent?: unknown
  }
}

/** Starts or resumes a subscription. `ref` increases with each attempt of a session; without it, it counts as 1. */
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

/** Ends a subscription. `params.ref` is the highest ref that was sent for it; stock clients send none. */
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

/**
 * Requests the events of subscriptions after `from`. The answer is a `synced` frame for each, followed by its events.
 */
export interface SyncFrame {
  readonly id: FrameId
  readonly method: 'sync'
  readonly params: {
    readonly subscriptions: readonly { readonly id: FrameId; readonly ref: number; readonly from: CursorText }[]
    /** Over HTTP: leave out subscriptions without news, and say when to ask again. `true` in the first poll. */
    readonly poll?: true | PollState
  }
}

/** What a poll repeats of the answer to the poll before it. */
export interface PollState {
  /** Milliseconds. Absent after a call of the session: the next polls come quickly again. */
  readonly nextMs?: number
  /** Epoch milliseconds of the server: when the slots at the positions were last read. */
  readonly verified?: number
}

/** The `data` of the result that ends a poll's answer. */
export interface PollResult extends Required<PollState> {
  /** The subscriptions for which there was no room. */
  readonly more: readonly FrameId[]
}

/** Renews the authorization of the connection with a new token of the same principal. */
export interface AuthFrame {
  readonly id: FrameId
  readonly method: 'auth'
  readonly params: { readonly token: string }
}

/** Cancels a call that was `accepted`. `key` is the one in that answer. */
export interface CancelFrame {
  readonly id: FrameId
  readonly method: 'cancel'
  readonly params?: { readonly key?: string }
}

/** Ends a connection over HTTP. It has no answer. A socket is closed instead. */
export interface CloseFrame {
  readonly method: 'close'
}

/** A keepalive. A mocked integration answers it, so no function runs. */
export interface PingFrame {
  readonly method: 'ping'
}

/**
 * A chunk of a message that is too large for one frame, in either direction: `part` of `of` parts, which have `bytes`
 * UTF-8 bytes together. `id` is that of the message's first frame; errors of the message are reported under it.
 */
export interface ChunkFrame {
  readonly id: FrameId
  readonly method: 'chunk'
  readonly params: {
    /** The sender's name for the message. */
    readonly message: string
    /** Counts from 0. */
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

/** Any frame that a client may send in one element of a message. */
export type ClientFrame =
  | CallFrame
  | SubscribeFrame
  | StopFrame
  | HelloFrame
  | SyncFrame
  | AuthFrame
  | CancelFrame
  | CloseFrame
  | PingFrame
  | ChunkFrame
  | ConnectionParamsFrame

// ---------------------------------------------------------------- server to client

interface Answer<R> {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly result: R
}

/**
 * The result of a call, or one event of a subscription. `id` is the event's cursor in a log; no event in (`prev`,
 * offset) is for this subscription, and `prev` defaults to offset − 1. With `n` it is the n-th value of the generator
 * that attempt `ref` began, and `id` is the generator's own id. With `of`, `data` is a list of chunks of a stream, from a
 * slot that has `of` chunks; `places` counts them from 1 and is absent for all of them.
 */
export interface DataResult {
  readonly type: 'data'
  readonly data?: unknown
  readonly of?: number
  readonly places?: readonly number[]
  readonly id?: CursorText
  readonly prev?: number
  readonly ref?: number
  readonly n?: number
}
/**
 * The subscription is live. For a log, all events after `from` follow; `head` is the newest offset that the server saw.
 * With `gap`, events before `from` are lost.
 */
export interface StartedResult {
  readonly type: 'started'
  readonly ref?: number
  readonly from?: CursorText
  readonly head?: CursorText
  readonly gap?: GapReason
  /** For a generator, the number of values before this attempt. The first value has the number `n` + 1. */
  readonly n?: number
  /** A `snapshot` frame with the state at `from` follows. It also repairs a gap. */
  readonly snapshot?: true
  /** The keepalive interval that keeps the session present, when it is shorter than the client's own. */
  readonly keepaliveMs?: number
}
/**
 * The state with which a subscription begins, as of `id` or a little later. The events after `id` follow. `data` is
 * tRPC's tracked envelope.
 */
export interface SnapshotResult {
  readonly type: 'snapshot'
  readonly id: CursorText
  readonly data: unknown
}
/** The answer to an `auth`. `authExpires` is in epoch milliseconds. */
export interface AuthorizedResult {
  readonly type: 'authorized'
  readonly authExpires: number
}
/** The answer to a `sync` for one subscription. The frames after it cover the offsets after `from`. */
export interface SyncedResult {
  readonly type: 'synced'
  readonly from: CursorText
  readonly head: CursorText
  readonly gap?: GapReason
}
/** No event in (`prev`, offset] is for this subscription: the position moves and the application gets nothing. */
export interface AdvanceResult {
  readonly type: 'advance'
  readonly id: CursorText
  readonly prev: number
}
/** An event whose `filter` or `map` threw: the position moves and the application is notified. */
export interface FaultResult {
  readonly type: 'fault'
  readonly id: CursorText
  readonly prev?: number
  readonly error: unknown
}
/** A stream begins again after `id`: the chunks before it do not belong to what follows. */
export interface AnewResult {
  readonly type: 'anew'
  readonly id: CursorText
  /** 0, so that the frame applies at every earlier position. */
  readonly prev: number
}
/**
 * A stream has ended, and nothing follows. With `off`, the server holds no subscription that must be stopped. `failure`
 * is present for `failed` and `lost`: the router's error shape, and Trunkline's error if the stream was lost.
 */
export interface ClosedResult {
  readonly type: 'closed'
  readonly id: CursorText
  readonly prev?: number
  readonly outcome: 'done' | 'stopped' | 'failed' | 'lost'
  readonly failure?: { readonly error: unknown; readonly line?: TrunklineErrorWire }
  readonly off?: true
}
/** The subscription ended. With `n`, a generator ended after its value n − 1. */
export interface StoppedResult {
  readonly type: 'stopped'
  readonly ref?: number
  readonly n?: number
}
/** A sign of life of a generator without a new value. `n` is the number of its last value. */
export interface AliveResult {
  readonly type: 'alive'
  readonly ref: number
  readonly n: number
}
/**
 * The call runs in a function of its own, and its answer will be pushed. The client may cancel it, by its `key` if it
 * has one. A keyed mutation may be sent again after `askAfterMs` to get its answer.
 */
export interface AcceptedResult {
  readonly type: 'accepted'
  readonly key?: string
  readonly askAfterMs?: number
}
/**
 * The answer to `hello`. Times are in epoch milliseconds. `refused` is the reason why the server closes the connection.
 */
export interface HelloResult {
  readonly type: 'hello'
  readonly session: string
  readonly time: number
  readonly limits: GatewayLimits
  readonly authExpires?: number
  readonly refused?: string
  /** Whether the router has a data transformer; absent when the server does not say. */
  readonly transformer?: boolean
}

/** Trunkline's error, in addition to tRPC's error shape. */
export interface TrunklineErrorWire {
  readonly code: TrunklineErrorCode | 'PENDING'
  readonly retry: Retry
  readonly retryAfterMs?: number
  readonly mayHaveRun: boolean
}
/**
 * `error` is the router's error shape, formatted and transformed. `line` is present when Trunkline failed and not the
 * procedure. With `ref`, a generator's attempt ended; with `n`, after its value n − 1. `refused` is the reason why an
 * `auth` was refused, for any shape of `error`.
 */
export interface ErrorFrame {
  readonly id: FrameId | null
  readonly jsonrpc?: '2.0'
  readonly error: unknown
  readonly line?: TrunklineErrorWire
  readonly ref?: number
  readonly n?: number
  readonly refused?: string
}
/** An answer without an error, under the id of the frame that it answers. */
export type AnswerFrame = Answer<
  | DataResult
  | StartedResult
  | SnapshotResult
  | AuthorizedResult
  | SyncedResult
  | AdvanceResult
  | FaultResult
  | AnewResult
  | ClosedResult
  | StoppedResult
  | AliveResult
  | AcceptedResult
  | HelloResult
>
/** tRPC's notice to open a second socket, switch to it and close this one. */
export interface ReconnectFrame {
  readonly id: null
  readonly method: 'reconnect'
}
/**
 * The server ends the connection: the last frame that it sends. `until` is the end of a ban, and `time` the server's
 * time, both in epoch milliseconds.
 */
export interface KickedFrame {
  readonly id: null
  readonly method: 'kicked'
  readonly params: { readonly reason: string; readonly time: number; readonly until?: number }
}
/** An error message of API Gateway on the socket. It names no call. */
export interface GatewayFrame {
  readonly message: string
  readonly connectionId: string
  readonly requestId: string
}
/** The answer to `ping`, which the gateway gives without a function. */
export interface PongFrame {
  readonly pong: true
}

/** Any frame that a client may receive. A client that declared `trunkline.1` may also receive arrays of them. */
export type ServerFrame =
  | AnswerFrame
  | ErrorFrame
  | ReconnectFrame
  | KickedFrame
  | ChunkFrame
  | GatewayFrame
  | PongFrame
