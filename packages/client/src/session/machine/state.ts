// One file over 200 lines: the state of a session is one shape, and most lines document its fields.

import { frameBytes, maxMessageBytes } from '@trunkline/protocol'
import type { ConnectionState } from './connection-state.ts'
import type { FrameName, NewCall, NewSubscription } from './events.ts'
import type { Order } from './sequencer.ts'
import { readSettings, type Settings } from './settings.ts'
import type { TrunklineFailure } from './trunkline-error.ts'

/**
 * The phase of a session.
 * - `idle`: there was no call or subscription yet
 * - `connecting`: a socket is opening, or waits for its back-off
 * - `greeting`: the socket is open and `hello` is not answered
 * - `open`: calls and subscriptions may be sent
 * - `closing`: the application called `close`; the calls in flight are awaited
 * - `refused`: the server refused the connection; only the application can connect again
 * - `closed`: permanently closed
 */
export type Phase = 'idle' | 'connecting' | 'greeting' | 'open' | 'closing' | 'refused' | 'closed'

/** A call that has no answer yet. */
export interface PendingCall extends NewCall {
  /**
   * - `waiting`: in the outbox
   * - `sent`: sent on `socket`
   * - `running`: sent on `socket`, and the server said that it runs in a function of its own
   * - `paused`: the server said PENDING or failed; the call is sent again when its timer fires
   * - `unauthorized`: refused because the authorization expired, or over HTTP because it needs a socket; sent again
   *   after the authorization is renewed or `hello` is answered
   */
  readonly phase: 'waiting' | 'sent' | 'running' | 'paused' | 'unauthorized'
  /** The socket of the last attempt. */
  readonly socket: number
  /** The `resend` timer is armed. The answer may come before it fires. */
  readonly willResend: boolean
  /** The number of attempts. */
  readonly sends: number
  /** The server accepted it as a long call, in this attempt or an earlier one: an abort sends `cancel`. */
  readonly isLong: boolean
  /** How often the server refused it with AUTH_EXPIRED, or its new key with KEY_EXPIRED. */
  readonly refusals: number
  /**
   * The error of the call if its deadline passes without an answer: FUNCTION_FAILED of an attempt, or an error frame of
   * the gateway, which names no call and may be about another one.
   */
  readonly lastFailure: TrunklineFailure | null
}

/** A frame that was sent and is not answered. */
export interface Unanswered {
  readonly socket: number
  readonly frame: FrameName
  /** When it was sent, by the monotonic clock. */
  readonly at: number
}

/** A subscription of the application. It survives its sockets. */
export interface Subscription extends NewSubscription {
  /** Increases with each attempt. The id stays the same. */
  readonly ref: number
  /** `waiting`: not sent on this socket. `subscribing`: sent, `started` is awaited. `live`: `started` arrived. */
  readonly phase: 'waiting' | 'subscribing' | 'live'
  /**
   * - `unknown`: no `started` arrived yet
   * - `log`: events are ordered and resumed by cursor
   * - `plain`: values are delivered as they arrive
   * - `generator`: values of one run, ordered by their number
   */
  readonly kind: 'unknown' | 'log' | 'plain' | 'generator'
  /** For a generator, the epoch is the ref of the run and the offset is the number of the value. */
  readonly order: Order
  /** The socket of the last attempt. */
  readonly socket: number
  /** The subscription begins with a snapshot, and a gap is repaired by a new one. */
  readonly snapshots: boolean
  /** The cursor of the snapshot that is expected next, or null. */
  readonly snapshotAt: string | null
  /** When the last frame of a generator arrived. */
  readonly receivedAt: number
  /** The keepalive interval that a presence subscription needs; null: the default interval. */
  readonly keepaliveMs: number | null
  /** The id of the last plain or generator value that had one. The server can resume after it. */
  readonly plainId: string | null
  /** `started` was emitted, and no interruption since. */
  readonly announced: boolean
  /** Failed attempts in a row. */
  readonly failures: number
  /** `armed`: the `gap` timer runs. `asked`: the answer to a `sync` is awaited. */
  readonly fetch: 'none' | 'armed' | 'asked'
  /** The id of the last `sync` for it. */
  readonly askedBy: string | null
  /** The position when events were last requested. */
  readonly askedFrom: number | null
  /** The newest known offset when events were last requested. */
  readonly askedKnown: number
  /** The head of the log in the answer to that request; −1 before the answer and after a gap. */
  readonly answeredHead: number
  /** The highest ref whose `started` was handled, so that a duplicate is ignored. */
  readonly answeredRef: number
  /** How long a missing offset is awaited before it is fetched. */
  readonly gapMs: number
}

/**
 * The second socket of a hand-over [LAW-TWO-SOCKETS].
 * - `connecting`, `greeting`: `socket` is the new one, not yet used
 * - `resuming`: `socket` is the old one; subscriptions start on the new one, calls finish on the old one
 * - `settling`: `socket` is the old one; only its calls are still awaited
 */
export interface Handover {
  readonly phase: 'connecting' | 'greeting' | 'resuming' | 'settling'
  readonly socket: number
}

/** A message whose chunks have not all arrived. */
export interface PartialMessage {
  /** The socket's number and the server's id of the message. */
  readonly name: string
  /** When its first chunk arrived. */
  readonly since: number
  /** The number of parts and the size in UTF-8 bytes, as the first chunk declared them. */
  readonly of: number
  readonly bytes: number
  readonly parts: ReadonlyMap<number, string>
  /** The characters of the parts; a part counts as at least `partBytes`, so that the number of parts is bounded too. */
  readonly held: number
}

/** The authorization of the socket and its renewal. */
export interface AuthState {
  /** When it expires, in epoch milliseconds of the server; null when it does not. */
  readonly expires: number | null
  /** `asking`: the application's `token` is awaited. `sent`: the answer to `auth` is awaited. */
  readonly renewal: 'none' | 'asking' | 'sent'
  readonly failures: number
  /** When the server last accepted a token by `auth`, by the monotonic clock. */
  readonly renewedAt: number
}

/** The whole state of a session. */
export interface SessionState {
  readonly settings: Settings
  readonly phase: Phase
  /** The state that the application sees. It is the same object until it changes. */
  readonly status: ConnectionState
  /** Attempts to connect since a socket was last open for 5 s. */
  readonly attempt: number
  readonly calls: ReadonlyMap<number, PendingCall>
  /** Sent frames without an answer, oldest first. An error without an id may be about any of them. */
  readonly unanswered: readonly Unanswered[]
  readonly subscriptions: ReadonlyMap<number, Subscription>
  /** Subscriptions that ended on this socket: the last ref, and when the last stop was sent. */
  readonly ended: ReadonlyMap<number, { readonly ref: number; readonly stoppedAt: number }>
  /** The number of the session's own frames, for their ids. */
  readonly serial: number
  readonly frameBytes: number
  /** The option `maxMessageBytes`: the largest message to send or receive. */
  readonly maxMessageBytes: number
  /** The largest message to send: the lower one of the server's limit and `maxMessageBytes`. */
  readonly messageBytes: number
  /** The most frames that the server accepts in one array. */
  readonly batchSize: number
  /** Whether the router has a data transformer, from the last `hello`; undefined before it. */
  readonly transforms: boolean | undefined
  /** The socket in use is a connection over HTTP: nothing is pushed, and its transport asks for polls. */
  readonly polls: boolean
  /** Whether there may be a socket. Without one, what needs a socket fails with NEEDS_SOCKET instead of waiting. */
  readonly mayUseSocket: boolean
  /** The ids of subscriptions that must still be sent on this socket. */
  readonly resumes: readonly number[]
  /** The ids of subscriptions whose events are requested after the answer to the `sync` that was sent last. */
  readonly fetches: readonly number[]
  /** Incomplete messages, oldest first. */
  readonly incoming: readonly PartialMessage[]
  /** The number of the socket in use. Numbers are never reused. */
  readonly socket: number
  readonly lastSocket: number
  readonly handover: Handover | null
  /** The ids of the sign-ins that await the next `hello`, in ascending order. */
  readonly signIns: readonly number[]
  readonly auth: AuthState
  /** The server's clock minus the monotonic clock, in milliseconds. */
  readonly aheadMs: number
  /** The wall clock minus the monotonic clock at the last step, in milliseconds. */
  readonly wallAheadMs: number
  /** The id of the `hello` that asked for the time. No key is made until its answer. Null: the time is known. */
  readonly timeRequestId: string | null
  /** When `hello` was answered on the socket. */
  readonly openedAt: number
  /** A keepalive was sent and nothing has arrived since. */
  readonly probing: boolean
  /** When the next keepalive is due. */
  readonly keepaliveAt: number
  /** When the timer `watch`, which detects a suspended machine, last fired. */
  readonly watchedAt: number
}

/** The state of a new session. */
export const initialState: SessionState = {
  settings: readSettings({}),
  phase: 'idle',
  status: { status: 'idle' },
  attempt: 0,
  calls: new Map(),
  unanswered: [],
  subscriptions: new Map(),
  ended: new Map(),
  serial: 0,
  frameBytes,
  maxMessageBytes,
  transforms: undefined,
  messageBytes: maxMessageBytes,
  batchSize: 1,
  polls: false,
  mayUseSocket: true,
  resumes: [],
  fetches: [],
  incoming: [],
  socket: 0,
  lastSocket: 0,
  handover: null,
  signIns: [],
  auth: { expires: null, renewal: 'none', failures: 0, renewedAt: Number.NEGATIVE_INFINITY },
  aheadMs: 0,
  wallAheadMs: Number.NaN,
  timeRequestId: null,
  openedAt: 0,
  probing: false,
  keepaliveAt: 0,
  watchedAt: 0,
}

/** Whether a new call or subscribe may be sent. */
export function acceptsRequests({ phase, signIns }: SessionState): boolean {
  return phase === 'open' && signIns.length === 0
}

/** Whether a call was made before a sign-in that is in progress, so that it belongs to the identity before it. */
export function isOfFormerIdentity({ signIns }: SessionState, id: number): boolean {
  return signIns.some((signIn) => id < signIn)
}

/** Whether frames for existing calls and subscriptions may be sent. */
export function canSend({ phase }: SessionState): boolean {
  return phase === 'open' || phase === 'closing'
}

/** Whether a hand-over has switched sockets, so that `handover.socket` is the old one. */
export function isDraining({ handover }: SessionState): boolean {
  return handover?.phase === 'resuming' || handover?.phase === 'settling'
}

const answerMs = 30_000 // the gateway waits 29 s for a function

/** The frames of all sockets that can still be answered. */
export function unansweredAt(state: SessionState, now: number): readonly Unanswered[] {
  return state.unanswered.filter(({ at }) => now - at < answerMs)
}
