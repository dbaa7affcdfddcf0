/** Why a connection is not open. */
export interface ConnectionCause {
  /**
   * - `closed-by-you`: the application closed it, or its `token` returned null when the authorization had to be renewed
   * - `refused`: the server refused the token
   * - `invalid-options`: `url` or `token` has a wrong type or value, so no attempt can succeed
   * - `kicked`: the server ended the connection, by `line.kick` or `line.revoke`
   * - `offline`: the device has no network
   * - `network`: the socket could not be opened, or was lost
   * - `server`: the server closed the socket
   */
  readonly code: 'closed-by-you' | 'refused' | 'invalid-options' | 'kicked' | 'offline' | 'network' | 'server'
  /** A sentence for people. Programs use `code`. */
  readonly message: string
  /** Until when the server accepts no connection, in epoch milliseconds. Only of a `kicked` with a ban. */
  readonly until?: number
}

/**
 * The state of a connection. `attempt` counts from 1; `retryAt` is in epoch milliseconds. `transport` is what carries
 * the frames: over `http` events are polled, and what needs a socket waits for one.
 */
export type ConnectionState =
  | { readonly status: 'idle' }
  | { readonly status: 'connecting' }
  | { readonly status: 'open'; readonly transport: 'socket' | 'http' }
  | {
      readonly status: 'reconnecting'
      readonly cause: ConnectionCause
      readonly attempt: number
      readonly retryAt: number
    }
  | { readonly status: 'closed'; readonly cause: ConnectionCause }
