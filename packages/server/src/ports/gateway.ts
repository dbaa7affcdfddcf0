/**
 * What became of a post.
 * - `posted`: the gateway took it; that the client got it is not known.
 * - `gone`: the connection is closed, or not open yet. An answer, not an exception.
 * - `throttled`: 429; the account's quota, or this client reads too slowly.
 * - `too-large`: 413.
 * - `failed`: refused or broken (403, 4xx, 5xx); `unknown` says whether the message may have gone out all the same (a
 *   timeout, a 5xx, a broken socket).
 */
export type PostOutcome =
  | { readonly status: 'posted' | 'gone' | 'throttled' | 'too-large' }
  | { readonly status: 'failed'; readonly unknown: boolean; readonly reason: string }

/**
 * The way to sockets.
 * - Implementations MUST NOT retry: the caller has the budget.
 * - They MUST NOT throw for any answer of the gateway, nor for a timeout; `signal` ends the request as `failed`,
 *   `unknown: true`.
 * - Every request MUST have a deadline of its own, also without a signal.
 */
export interface Gateway {
  readonly kind: string
  /** Sends one text message of at most 131,072 UTF-8 bytes. */
  post(connectionId: string, text: string, options?: { readonly signal?: AbortSignal }): Promise<PostOutcome>
  /** Closes a socket. `closed` also when it was closed already. */
  disconnect(connectionId: string, options?: { readonly signal?: AbortSignal }): Promise<'closed' | 'failed'>
}
