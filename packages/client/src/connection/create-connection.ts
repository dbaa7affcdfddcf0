import { TRPCClientError } from '@trpc/client'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import { checkNames } from '../session/machine/settings.ts'
import type { TrunklineFailure } from '../session/machine/trunkline-error.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { createTransport } from './create-transport.ts'
import { type ConnectionEnvironment, machineEnvironment } from './environment.ts'
import { runSession } from './run-session.ts'
import { type Transport, transportKey } from './transport.ts'

/**
 * A client's connection, which survives its sockets. It opens with the first call or subscription, reconnects by
 * itself, and keeps a Node process alive until `close`.
 */
export interface Connection {
  /** The current state. It is the same object until it changes, as `useSyncExternalStore` requires. */
  readonly state: ConnectionState
  /** Calls `listener` after each change of the state, but not for the current one. Returns a function that stops it. */
  readonly subscribe: (listener: (state: ConnectionState) => void) => () => void
  /** Starts the next attempt now instead of at `retryAt`. After a refusal, connects again. */
  retryNow(): void
  /**
   * Begins a new session with a new token, after sign-in or sign-out. Calls in flight fail with CLOSED; subscriptions
   * start again.
   */
  restart(): void
  /**
   * Signs in, signs out, or signs in as another principal: asks for a token again and moves to a new connection with a
   * new session. Change what `token` returns before you call it; null signs out. An open connection is used until the
   * new one is open. Subscriptions continue after their last event, and the server decides about each anew.
   *
   * Calls belong to the identity under which they were made. Those without an answer are awaited for at most 5 s and
   * then fail with CLOSED; none is sent again. Calls that are made after `signIn` wait for the new connection.
   *
   * Resolves when the new connection is open. While none can be opened, the state is `reconnecting` and it waits. Rejects
   * with a `TRPCClientError` (`trunklineError(error)` has the code CLOSED and the reason) when the server refuses the
   * token, which also closes the old connection, and after `close` or `restart`. If it is called again meanwhile, all
   * calls of it resolve with the last one.
   */
  signIn(): Promise<void>
  /**
   * Closes the connection permanently. Calls that were not sent fail with CLOSED; calls in flight have 5 s to finish.
   * Resolves when the socket is closed.
   */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** One text is the smallest in a bundle. */
const optionNames =
  'url token fallback WebSocket onGap onProtocolError traceparent maxMessageBytes timeoutMs keepaliveMs keepaliveTimeoutMs gapWaitMs backoff outbox'.split(
    ' ',
  )

/**
 * Creates a connection. It opens with the first call or subscription. `environment` replaces the clock, randomness and
 * sockets, for tests and simulations.
 *
 * Calls and subscriptions fail with an `Error` when the runtime has no WebSocket and `WebSocket` is not given. A wrong
 * `url` or `token` closes the connection with the cause `invalid-options`. Throws a `ConfigurationError` for a number
 * outside of its range in `backoff`, `keepaliveMs`, `keepaliveTimeoutMs`, `outbox` or `gapWaitMs`, and for an
 * option that does not exist.
 */
export function createConnection(
  options: ConnectionOptions,
  environment: Partial<ConnectionEnvironment> = {},
): Connection {
  checkNames('', options, optionNames)
  const { now } = environment
  const complete = { ...machineEnvironment, ...(now && { monotonic: now }), ...environment }
  const session = runSession(options, complete)
  const { observers, state, dispatch } = session
  const close = () => {
    dispatch({ type: 'close' })
    return observers.closed
  }
  const connection: Connection & { readonly [transportKey]: Transport } = {
    get state() {
      return state().status
    },
    subscribe: observers.subscribe,
    retryNow: () => dispatch({ type: 'retry-now' }),
    restart: () => dispatch({ type: 'restart' }),
    signIn: () =>
      new Promise<void>((resolve, reject) => {
        const id = observers.nextId()
        const fail = ({ line }: TrunklineFailure) =>
          reject(new TRPCClientError(line.message, { meta: { trunklineError: line } }))
        observers.add(id, { answer: resolve, fail }) // a sign-in fails with Trunkline's errors alone
        dispatch({ type: 'sign-in', id })
      }),
    close,
    [Symbol.asyncDispose]: close,
    [transportKey]: createTransport(session),
  }
  return connection
}
