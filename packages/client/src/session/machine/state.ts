import { frameBytes, maxMessageBytes } from '@trunkline/protocol'
import type { ConnectionState } from './connection-state.ts'
import type { NewCall, NewSubscription } from './events.ts'
import type { Order } from './sequencer.ts'
import type { TrunklineFailure } from './trunkline-error.ts'

/** What a session is doing about its socket.
 * - `idle`: nothing was asked for yet
 * - `connecting`: a socket is being made, or waits for its back-off
 * - `greeting`: the socket is open, `hello` is not answered
 * - `open`: frames flow
 * - `closing`: open; the application closed, the calls in flight are settled
 * - `refused`: the server wants no connection of this token
 * - `closed`: for good */
export type Phase = 'idle' | 'connecting' | 'greeting' | 'open' | 'closing' | 'refused' | 'closed'

/** A call that has no answer yet. */
export interface PendingCall extends NewCall {
  /** - `waiting`: in the outbox
   * - `sent`: on `socket`
   * - `running`: the same, and the server said that it runs in a function of its own
   * - `paused`: it runs; asked again when the server said
   * - `unauthorized`: refused by expired authority; sent again under a fresh one */
  readonly phase: 'waiting' | 'sent' | 'running' | 'paused' | 'unauthorized'
  /** The socket that it was last sent on. */
  readonly socket: number
  /** It is sent again when its timer fires, though its answer may come before. */
  readonly willResend: boolean
  /** How often it was sent. */
  readonly sends: number
  /** It was accepted as a long one, in this attempt or one before: whoever gives it up says so. */
  readonly isLong: boolean
  /** How often expired authority refused it, or its new key was refused as expired. */
  readonly refusals: number
  /** What the call fails with at its deadline, if nothing else is heard: FUNCTION_FAILED of an attempt, or of the gateway, whose words name no call and may be about another. */
  readonly lastFailure: TrunklineFailure | null
}

/** A frame that was sent and not answered yet. */
export interface Unanswered {
  readonly socket: number
  readonly frame: FrameName
  /** When it was sent. */
  readonly at: number
}

/** Names a frame by what answers it. Frames of a call, or parts of its message: its id, a number. `>` and the id: a subscribe. `.` and the id: a stop. Others: their id. */
export type FrameName = number | string

/** A subscription that the application holds, across sockets. */
export interface Subscription extends NewSubscription {
  /** Rises with each attempt; the id stays. */
  readonly ref: number
  /** `waiting`: nothing was sent on this socket. `subscribing`: `started` is awaited. `live`: it came. */
  readonly phase: 'waiting' | 'subscribing' | 'live'
  /** `log`: ordered and resumed by cursor. `plain`: values as they come. `generator`: values of one run, counted. Unknown until the first `started`. */
  readonly kind: 'unknown' | 'log' | 'plain' | 'generator'
  /** Of a generator: the values of the run that this ref began; the epoch is the ref, the offset the value's number. */
  readonly order: Order
  /** The socket of the last attempt. */
  readonly socket: number
  /** It begins with a state, and so does what makes good a gap. */
  readonly snapshots: boolean
  /** The cursor of the snapshot that the next frame must bring. */
  readonly snapshotAt: string | null
  /** When a generator was last heard of. */
  readonly receivedAt: number
  /** How often the server must hear of its session, which is present by it; null: a keepalive as ever. */
  readonly keepaliveMs: number | null
  /** The last id of a plain value, or of a generator's, that had one: where the server may go on after a lost socket. */
  readonly plainId: string | null
  /** The application was told `started`, and of no break since. */
  readonly announced: boolean
  /** Attempts in a row that came to nothing. */
  readonly failures: number
  /** `armed`: the gap timer runs. `asked`: the answer to a `sync` is awaited. */
  readonly fetch: 'none' | 'armed' | 'asked'
  /** The `sync` that asked. */
  readonly askedBy: string | null
  /** The offset that was last asked from. */
  readonly askedFrom: number | null
  /** The newest offset that was known when it was last asked. */
  readonly askedKnown: number
  /** Where the answer to that says that the log ends; −1 until it came, and after a gap. */
  readonly answeredHead: number
  /** The highest ref whose `started` was taken: an answer counts once. */
  readonly answeredRef: number
  /** How long a hole may stay open before it is fetched. */
  readonly gapMs: number
}

/** A second socket beside the session's, while one takes over from the other [LAW-TWO-SOCKETS].
 * - `connecting`, `greeting`: `socket` is the new one, not yet used
 * - `resuming`: `socket` is the old one; subscriptions start on the new, calls are settled on the old
 * - `settling`: the same, and only the calls are still waited for */
export interface Handover {
  readonly phase: 'connecting' | 'greeting' | 'resuming' | 'settling'
  readonly socket: number
}

/** A message that comes in chunks and is not whole yet. */
export interface PartialMessage {
  /** The socket, and the server's name for it. */
  readonly name: string
  /** When its first part came. */
  readonly since: number
  readonly parts: ReadonlyMap<number, string>
}

/** What is known of the socket's authority. */
export interface AuthState {
  /** The server's epoch milliseconds; null when it said nothing. */
  readonly expires: number | null
  /** `asking`: the application is asked for a token. `sent`: the server is asked to take it. */
  readonly renewal: 'none' | 'asking' | 'sent'
  readonly failures: number
  /** When the server last took a token on a living socket, by our clock. */
  readonly renewedAt: number
}

/** All that a session knows. */
export interface SessionState {
  readonly phase: Phase
  /** What the application sees; the same object until it changes. */
  readonly status: ConnectionState
  /** Attempts to connect since a socket last lived for 5 s. */
  readonly attempt: number
  readonly calls: ReadonlyMap<number, PendingCall>
  /** Frames that an error without an id may be about, the oldest first. */
  readonly unanswered: readonly Unanswered[]
  readonly subscriptions: ReadonlyMap<number, Subscription>
  /** Subscriptions that ended on this socket: their last ref, and when its last stop was sent. */
  readonly ended: ReadonlyMap<number, { readonly ref: number; readonly stoppedAt: number }>
  /** Counts the session's own frames, so that each has an id. */
  readonly serial: number
  readonly frameBytes: number
  /** The largest message that the application wants sent or taken. */
  readonly maxMessageBytes: number
  /** The largest that may be sent, since the server takes no larger one. */
  readonly messageBytes: number
  /** Most frames of one array. */
  readonly batchSize: number
  /** Whether the router has a data transformer, as the last `hello` said. */
  readonly transforms: boolean | undefined
  /** Subscriptions that are still to be asked for on this socket. */
  readonly resumes: readonly number[]
  /** Messages that come in chunks, the oldest first. */
  readonly incoming: readonly PartialMessage[]
  /** The number of the socket that is used. Numbers are not given twice. */
  readonly socket: number
  readonly lastSocket: number
  readonly handover: Handover | null
  readonly auth: AuthState
  /** The server's clock less our monotonic one. */
  readonly aheadMs: number
  /** Our wall clock less the monotonic one, as last seen. */
  readonly wallAheadMs: number
  /** The `hello` whose answer says what time it is: until then no key is made. Null: it is known. */
  readonly timeRequestId: string | null
  /** When the socket was greeted. */
  readonly openedAt: number
  /** A keepalive is not answered yet. */
  readonly probing: boolean
  /** When the next keepalive is due. */
  readonly keepaliveAt: number
  /** When the watch for a sleeping machine was last seen to run. */
  readonly watchedAt: number
}

/** A session that nobody used yet. */
export const initialState: SessionState = {
  phase: 'idle',
  status: { status: 'idle' },
  attempt: 0,
  calls: new Map(),
  unanswered: [],
  subscriptions: new Map(),
  ended: new Map(),
  serial: 0,
  frameBytes: frameBytes.value,
  maxMessageBytes: maxMessageBytes.value,
  transforms: undefined,
  messageBytes: maxMessageBytes.value,
  batchSize: 1,
  resumes: [],
  incoming: [],
  socket: 0,
  lastSocket: 0,
  handover: null,
  auth: { expires: null, renewal: 'none', failures: 0, renewedAt: Number.NEGATIVE_INFINITY },
  aheadMs: 0,
  wallAheadMs: Number.NaN,
  timeRequestId: null,
  openedAt: 0,
  probing: false,
  keepaliveAt: 0,
  watchedAt: 0,
}

/** Whether a call or a subscribe may go out now. */
export function acceptsRequests({ phase }: SessionState): boolean {
  return phase === 'open'
}

/** Whether something that was begun on this socket may still be said on it. */
export function canSend({ phase }: SessionState): boolean {
  return phase === 'open' || phase === 'closing'
}

/** Whether a hand-over has come so far that `handover.socket` is the old one. */
export function isDraining({ handover }: SessionState): boolean {
  return handover?.phase === 'resuming' || handover?.phase === 'settling'
}

const answerMs = 30_000 // the gateway gives a function 29 s

/** The frames of all sockets that may still be answered. */
export function unansweredAt(state: SessionState, now: number): readonly Unanswered[] {
  return state.unanswered.filter(({ at }) => now - at < answerMs)
}
