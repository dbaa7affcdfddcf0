import type { ServerFrame } from '@trunkline/protocol'
import type { ConnectionCause } from './connection-state.ts'

/** The timers of a session. Arming one again moves it. */
export type Timer =
  | { readonly kind: 'retry' | 'close' | SocketTimer }
  | { readonly kind: OwnedTimer; readonly id: number }
/** Timers of one call or one subscription. */
export type OwnedTimer = 'deadline' | 'resend' | 'started' | 'gap' | 'alive'
/** Timers of one socket, which end with it. */
export type SocketTimer = (typeof socketTimers)[number]
export const socketTimers = ['hello', 'stable', 'ping', 'pong', 'watch', 'renew', 'auth', 'handover', 'drain'] as const

/** A call that the application makes. `text` is its frame without a key. */
export interface NewCall {
  readonly id: number
  readonly method: 'query' | 'mutation'
  readonly text: string
  /** UTF-8 bytes of the whole frame with its key. */
  readonly bytes: number
  readonly timeoutMs: number
  /** The caller's key as the wire carries it. Null: the key is made from `nonce`, or the call has none. */
  readonly key: string | null
  /**
   * The random part of a key. The key is made when the call is first sent, since its other part is the server's time.
   */
  readonly nonce: string | null
  /** An earlier attempt under the same key may have run. */
  readonly mayHaveRun: boolean
  /** A query or a keyed mutation: sent again when its socket is lost. [TL-KEY-8] */
  readonly resends: boolean
  /** Calls with the same ordering key are sent one after another. */
  readonly orderingKey?: string
}

/** A subscription that the application makes. `input` is already serialised. */
export interface NewSubscription {
  readonly id: number
  readonly path: string
  readonly input: unknown
  /** Whether the application has an `onGap`. */
  readonly handlesGaps: boolean
}

/**
 * Names a sent frame so that its answer can be matched: the call's id (a number) for a call or a chunk of it, `>` and
 * the id for a subscribe, `.` and the id for a stop, and the frame's own id for all others.
 */
export type FrameName = number | string

/** The inputs of a session: requests of the application, events of the sockets, timers. */
export type SessionInput =
  | { readonly type: 'call'; readonly call: NewCall }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'subscribe'; readonly subscription: NewSubscription }
  | { readonly type: 'unsubscribe'; readonly id: number }
  | { readonly type: 'retry-now' }
  | { readonly type: 'wake' } // the network came back, or the page became visible
  | { readonly type: 'restart' }
  // `signIn`; its id is higher than those of all calls before it
  | { readonly type: 'sign-in'; readonly id: number }
  | { readonly type: 'close' }
  // the answer to `ask-token`; undefined: the connection has no `token` option
  | { readonly type: 'token'; readonly token: string | null | undefined }
  | { readonly type: 'token-failed' }
  | { readonly type: 'opened'; readonly socket: number }
  | { readonly type: 'lost'; readonly socket: number; readonly cause: ConnectionCause }
  // over HTTP: a request was lost, and these frames in it have no answer
  | { readonly type: 'unanswered'; readonly socket: number; readonly frames: readonly FrameName[] }
  | { readonly type: 'poll'; readonly socket: number } // over HTTP: the next poll is due
  | {
      readonly type: 'message'
      readonly socket: number
      readonly frames: readonly ServerFrame[]
      readonly size: number
    }
  | { readonly type: 'timer'; readonly timer: Timer }

/** An input with the time and one random number. */
export type SessionEvent = SessionInput & {
  /** The monotonic clock, in milliseconds. */
  readonly now: number
  /** The wall clock, in epoch milliseconds. */
  readonly wall: number
  /** Uniform in [0, 1). */
  readonly chance: number
}

/** The key of a timer: two timers with the same name are the same timer. */
export function timerName(timer: Timer): string {
  return 'id' in timer ? `${timer.kind} ${timer.id}` : timer.kind
}
