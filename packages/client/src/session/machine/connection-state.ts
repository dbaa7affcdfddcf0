/** Why a connection is not open. */
export interface ConnectionCause {
  /**
   * - `closed-by-you`: the application closed it, or has no token any more
   * - `refused`: the server refused the token
   * - `invalid-options`: `url` or `token` is of a kind that no retry makes right
   * - `kicked`: the server ended the session
   * - `offline`: the device has no network
   * - `network`: the socket could not be opened, or was lost
   * - `server`: the server closed the socket
   */
  readonly code: 'closed-by-you' | 'refused' | 'invalid-options' | 'kicked' | 'offline' | 'network' | 'server'
  /** For people. */
  readonly message: string
}

/** Where a connection stands. `retryAt` is in epoch milliseconds. */
export type ConnectionState =
  | { readonly status: 'idle' }
  | { readonly status: 'connecting' }
  | { readonly status: 'open' }
  | {
      readonly status: 'reconnecting'
      readonly cause: ConnectionCause
      readonly attempt: number
      readonly retryAt: number
    }
  | { readonly status: 'closed'; readonly cause: ConnectionCause }
