import type { GapHandler } from '../session/machine/gap.ts'
import type { WebSocketLike } from './socket.ts'

/** Options of a connection. */
export interface ConnectionOptions {
  /**
   * The URL of the API, such as `wss://example.com/dev` (`ws`, `http` and `https` also work), or a function that
   * returns it. The function is called before each attempt and has 15 s together with `token`. A wrong value closes the
   * connection with the cause `invalid-options`.
   */
  readonly url: string | (() => string | Promise<string>)
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
   * Returns the W3C trace context to send with a call, such as that of your tracer's active span. It is called for each
   * call.
   *
   * @default none is sent
   */
  readonly traceparent?: () => string | undefined
  /**
   * Called with the message of an error that belongs to no call: the server could not read the id of a frame, or a new
   * token cannot be sent. Neither fails a call.
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
