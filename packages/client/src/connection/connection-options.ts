import type { GapHandler } from '../session/machine/gap.ts'
import type { WebSocketLike } from './socket.ts'

/** How a client reaches its server. */
export interface ConnectionOptions {
  readonly url: string | (() => string | Promise<string>)
  /** Asked before each connect, before expiry and on AUTH_EXPIRED; null connects anonymously. */
  readonly token?: () => string | null | Promise<string | null>
  /** Node 20 has none of its own. */
  readonly WebSocket?: WebSocketLike
  /** Deadline of a call that names none. @default 30_000 */
  readonly timeoutMs?: number
  /** Largest message to be sent or taken, in UTF-8 bytes; the server has a limit of its own, and the lower one holds. @default 1_048_576 */
  readonly maxMessageBytes?: number
  /** Asked at each call for the W3C trace context to send with it, such as your tracer's active span. */
  readonly traceparent?: () => string | undefined
  /**
   * Called with the words of an error whose frame is not known, since the server could not read its id, and of a fresh
   * token that cannot be sent. Neither fails a call. @default a warning on the console
   */
  readonly onProtocolError?: (message: string) => void
  /** Gaps of subscriptions that have no `onGap` of their own. A gap that nobody handles ends its subscription with the error GAP. */
  readonly onGap?: GapHandler
}
