import type { ConnectionEnvironment } from './environment.ts'
import type { Endpoint, Socket, SocketOptions } from './socket.ts'

/** Another way to the server than a socket. Make one by `overHttp` of `@trunkline/client/http`. */
export interface Fallback {
  /** Returns a function that creates each transport of one session. A transport is a socket or a fallback for it. */
  readonly createTransports: (session: FallbackSession) => (options: FallbackOptions) => Socket
}

/** The session for which a fallback creates transports. */
export interface FallbackSession {
  readonly environment: ConnectionEnvironment
  /** Creates a socket; undefined when the connection has no `url` or the runtime no WebSocket. */
  readonly createSocket: ((options: SocketOptions) => Socket) | undefined
  /** Starts the next attempt now if the session waits for its back-off. */
  readonly retryNow: () => void
}

/** What one attempt needs, of a socket or over HTTP. */
export interface FallbackEndpoint extends Endpoint {
  /** The session id, which is a secret. */
  readonly session: string
  /** Null: anonymous. */
  readonly token: string | null
}

/** A transport's options: those of a socket, and what only a fallback reports. */
export interface FallbackOptions extends SocketOptions {
  /**
   * Called once for each attempt. A rejection fails the attempt. `isProbe`: another connection is in use and works,
   * so that a wrong option does not close the connection.
   */
  readonly endpoint: (isProbe?: boolean) => Promise<FallbackEndpoint>
  /** A request was lost, and these frames in it have no answer. The connection is not lost. */
  readonly onUnanswered: (frames: readonly (number | string)[]) => void
  /** The next poll is due. */
  readonly onPoll: () => void
}
