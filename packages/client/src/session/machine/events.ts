import type { ServerFrame } from '@trunkline/protocol'
import type { ConnectionCause } from './connection-state.ts'

/** The timers of a session. Arming one again moves it. */
export type Timer =
  | { readonly kind: 'retry' | 'close' | SocketTimer }
  | { readonly kind: OwnedTimer; readonly id: number }
/** What belongs to one call or one subscription. */
export type OwnedTimer = 'deadline' | 'resend' | 'started' | 'gap' | 'alive'
/** What belongs to one socket and ends with it. */
export type SocketTimer = (typeof socketTimers)[number]
export const socketTimers = ['hello', 'stable', 'ping', 'pong', 'watch', 'renew', 'auth', 'handover', 'drain'] as const

/** A call as the application makes it; `text` is its frame without a key. */
export interface NewCall {
  readonly id: number
  readonly method: 'query' | 'mutation'
  readonly text: string
  /** Of the whole frame with its key, in UTF-8. */
  readonly bytes: number
  readonly timeoutMs: number
  /** The key as the wire carries it, when the caller gave one. Null: `nonce` makes it, or there is none. */
  readonly key: string | null
  /** The random part of a key that is made when the call is first sent: its other part is the server's time, which is not known before. */
  readonly nonce: string | null
  /** An attempt under the same key was made before, and may have run. */
  readonly mayHaveRun: boolean
  /** A query or a keyed mutation: sent again when its socket is lost. [TL-KEY-8] */
  readonly resends: boolean
  /** Calls of one orderingKey go one after another. */
  readonly orderingKey?: string
}

/** A subscription as the application makes it. `input` is serialised already. */
export interface NewSubscription {
  readonly id: number
  readonly path: string
  readonly input: unknown
  /** Whether anybody would be told of a gap. */
  readonly handlesGaps: boolean
}

/** Whatever can happen to a session: what the application wants, what the socket says, what time brings. */
export type SessionInput =
  | { readonly type: 'call'; readonly call: NewCall }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'subscribe'; readonly subscription: NewSubscription }
  | { readonly type: 'unsubscribe'; readonly id: number }
  | { readonly type: 'retry-now' }
  | { readonly type: 'wake' } // the network is back, or the user is
  | { readonly type: 'restart' }
  | { readonly type: 'close' }
  | { readonly type: 'token'; readonly token: string | null | undefined } // what was asked for; undefined: the application has none to give, ever
  | { readonly type: 'token-failed' }
  | { readonly type: 'opened'; readonly socket: number }
  | { readonly type: 'lost'; readonly socket: number; readonly cause: ConnectionCause }
  | {
      readonly type: 'message'
      readonly socket: number
      readonly frames: readonly ServerFrame[]
      readonly size: number
    }
  | { readonly type: 'timer'; readonly timer: Timer }

/** An input with its time and its one throw of the dice. */
export type SessionEvent = SessionInput & {
  /** Milliseconds of the monotonic clock. */
  readonly now: number
  /** Epoch milliseconds of the wall clock. */
  readonly wall: number
  /** Uniform in [0, 1). */
  readonly chance: number
}

/** Names a timer. */
export function timerName(timer: Timer): string {
  return 'id' in timer ? `${timer.kind} ${timer.id}` : timer.kind
}
