/**
 * The outcome of a post.
 * - `posted`: the gateway accepted it. Whether the client received it is not known.
 * - `gone`: the connection is closed, or not open yet (410).
 * - `throttled`: the account's quota is used up, or this client reads too slowly (429).
 * - `too-large`: the message exceeds the gateway's limit (413).
 * - `failed`: any other error. `unknown` is true if the message may have been sent (a timeout, a 5xx, a broken socket).
 *   `retry` is set if no connection could be made, so that nothing was sent and a later attempt may succeed.
 */
export type PostOutcome =
  | { readonly status: 'posted' | 'gone' | 'throttled' | 'too-large' }
  | { readonly status: 'failed'; readonly unknown: boolean; readonly retry?: true; readonly reason: string }

/**
 * The port that sends to clients.
 *
 * - An implementation MUST NOT retry: the caller decides about its time.
 * - It MUST NOT throw for a response of the gateway or for a timeout. `signal` ends the request with `failed` and
 *   `unknown: true`.
 * - [LAW-DEADLINE] Every request MUST have a deadline of its own, also without a signal.
 */
export interface Gateway {
  /** Names the implementation in logs. */
  readonly kind: string
  /** Sends one text message of at most 131,072 UTF-8 bytes. */
  post(connectionId: string, text: string, options?: { readonly signal?: AbortSignal }): Promise<PostOutcome>
  /**
   * Closes a connection. Returns `gone` if the gateway has no such connection: it was closed before, or it is not open
   * yet, since its `$connect` still runs. An implementation that cannot distinguish MAY return `closed`.
   */
  disconnect(connectionId: string, options?: { readonly signal?: AbortSignal }): Promise<'closed' | 'gone' | 'failed'>
}
