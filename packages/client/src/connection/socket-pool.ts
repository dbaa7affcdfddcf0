import type { ConnectionCause } from '../session/machine/connection-state.ts'
import type { SessionInput } from '../session/machine/events.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { ConfigurationError, resolveEndpoint } from './endpoint.ts'
import { type ConnectionEnvironment, createRandomId } from './environment.ts'
import { createSocket, type Socket } from './socket.ts'

export interface SocketPoolOptions {
  readonly options: ConnectionOptions
  readonly environment: ConnectionEnvironment
  readonly dispatch: (input: SessionInput) => void
  readonly onText: (socket: number, text: unknown) => void
}

/** The sockets of one session, by number: one, or two during a hand-over. What a dropped one still says is not heard. */
export function createSocketPool({ options, environment, dispatch, onText }: SocketPoolOptions) {
  const make = environment.createSocket ?? createSocket
  const sockets = new Map<number, Socket>()
  let session = createRandomId(environment)

  return {
    connect(number: number): void {
      let configurationError: ConnectionCause | undefined
      const ifUsed = (tell: () => void) => sockets.get(number) === socket && tell()
      const socket = make({
        WebSocket: options.WebSocket ?? environment.WebSocket,
        after: environment.after,
        endpoint: () =>
          resolveEndpoint(options, session).catch((thrown: unknown) => {
            if (thrown instanceof ConfigurationError)
              configurationError = { code: 'invalid-options', message: thrown.message }
            throw thrown
          }),
        onOpen: () => ifUsed(() => dispatch({ type: 'opened', socket: number })),
        onLost: (cause) => ifUsed(() => dispatch({ type: 'lost', socket: number, cause: configurationError ?? cause })),
        onMessage: (text) => ifUsed(() => onText(number, text)),
      })
      sockets.set(number, socket)
      socket.admit()
    },
    get: (number: number) => sockets.get(number),
    drop(number: number): void {
      sockets.get(number)?.close()
      sockets.delete(number)
    },
    dropAll(): void {
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
    /** The next socket offers another session. */
    renewSession(): void {
      session = createRandomId(environment)
    },
  }
}
