/** Why a connection is not open. */
export interface ConnectionCause {
  readonly code: 'closed-by-you' | 'refused' | 'kicked' | 'offline' | 'network' | 'server'
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
