import type { GapHandler } from '../session/machine/gap.ts'
import type { Fallback } from './fallback.ts'
import type { WebSocketLike } from './socket.ts'

/** Options of a connection. */
export interface ConnectionOptions {
  /**
   * The URL of the API, such as `wss://example.com/dev` (`ws`, `http` and `https` also work), or a function that
   * returns it. The function is called before each attempt and has 15 s together with `token`. A wrong value closes the
   * connection with the cause `invalid-options`. Null: the connection is over HTTP alone, by `fallback`.
   */
  readonly url: string | (() => string | Promise<string>) | null
  /**
   * A way to the server where sockets are blocked: `overHttp(httpUrl)` of `@trunkline/client/http`. It is used when a
   * socket is not open within 4 s, or when three sockets in a row were lost within 60 s. The connection moves back when
   * a socket can be opened. `connection.state.transport` is what is in use.
   *
   * @default sockets alone
   */
  readonly fallback?: Fallback
  /**
   * Returns the token, or null to connect anonymously. It is called before each attempt, before the authorization
   * expires and after AUTH_EXPIRED; in the last two cases null closes the connection. When it throws, the client tries
   * again. A value of a wrong type closes the connection with the cause `invalid-options`.
   *
   * @default connects anonymously
   */
  readonly token?: () => string | null | Promise<string | null>
  /**
   * The WebSocket class, such as that of the package `ws`. Node 20 has none; calls then fail with an `Error`.
   *
   * @default the runtime's `WebSocket`
   */
  readonly WebSocket?: WebSocketLike
  /**
   * The deadline of a call, in milliseconds. A call's own `timeoutMs` overrides it.
   *
   * @default 30_000
   */
  readonly timeoutMs?: number
  /**
   * The largest message to send or receive, in UTF-8 bytes. The server has its own limit for messages to it; the lower
   * one applies. A larger call fails with TOO_LARGE.
   *
   * @default 1_048_576
   */
  readonly maxMessageBytes?: number
  /**
   * The delays before the next attempt to connect, and before a failed request is repeated.
   *
   * @default { minMs: 100, maxMs: 30_000, factor: 2 }
   */
  readonly backoff?: BackoffOptions
  /**
   * The interval of the keepalive, in milliseconds ± 20 %: 1_000 to 480_000. The keepalive keeps the socket open, since
   * the gateway closes a socket that is idle for 10 minutes, and it detects events that were lost. A subscription with
   * presence may need a shorter interval; the shortest one applies.
   *
   * @default 270_000
   */
  readonly keepaliveMs?: number
  /**
   * How long any message of the server is awaited after a keepalive, in milliseconds: 1_000 to 60_000. Then the socket
   * is replaced. Allow for a cold start of the server's function.
   *
   * @default 15_000
   */
  readonly keepaliveTimeoutMs?: number
  /**
   * How many calls may wait until they can be sent. Beyond a bound, a new call fails with OUTBOX_FULL; the waiting calls
   * are kept.
   *
   * @default { maxMessages: 1_000, maxBytes: 4_194_304 }
   */
  readonly outbox?: OutboxOptions
  /**
   * How long a missing event of a subscription is awaited before it is requested, in milliseconds: 1 to 60_000. The
   * server posts events concurrently, so an event may overtake another one. The time grows up to 2_000 ms while requests
   * find nothing new.
   *
   * @default 300
   */
  readonly gapWaitMs?: number
  /**
   * Returns the W3C trace context to send with a call, such as that of your tracer's active span. It is called for each
   * call.
   *
   * @default none is sent
   */
  readonly traceparent?: () => string | undefined
  /**
   * Called with the message of an error that belongs to no call: the server could not read the id of a frame, a new
   * token cannot be sent, or the server sent chunks that fit no message or are too many. None of them fails a call.
   *
   * @default writes a warning to the console
   */
  readonly onProtocolError?: (message: string) => void
  /**
   * Called for gaps of subscriptions without an `onGap` of their own. Without any `onGap`, a gap ends its subscription
   * with the error GAP.
   *
   * @default none
   */
  readonly onGap?: GapHandler
}

/**
 * A random back-off: the delay before attempt n is uniform between `minMs` and a ceiling, which is 5 × `minMs` for the
 * first attempt, is multiplied by `factor` with each further one, and never exceeds `maxMs`.
 */
export interface BackoffOptions {
  /** The shortest delay, in milliseconds: 1 to `maxMs`. @default 100, or `maxMs` if that is shorter */
  readonly minMs?: number
  /** The longest delay, in milliseconds: 1 to 86_400_000. @default 30_000 */
  readonly maxMs?: number
  /** The growth of the ceiling from one attempt to the next: 1 to 10. @default 2 */
  readonly factor?: number
}

/** The bounds of the outbox, which holds the calls that wait for a socket or for their `orderingKey`. */
export interface OutboxOptions {
  /** The most calls that wait: 0 to 1_000_000. With 0, a call that cannot be sent at once fails. @default 1_000 */
  readonly maxMessages?: number
  /** The most UTF-8 bytes of their frames together: 0 to 1_000_000_000. @default 4_194_304 */
  readonly maxBytes?: number
}
