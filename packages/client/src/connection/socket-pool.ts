import type { ConnectionCause } from '../session/machine/connection-state.ts'
import { ConfigurationError } from '../session/machine/settings.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { isHttpOnly, resolveEndpoint } from './endpoint.ts'
import { type ConnectionEnvironment, createRandomId } from './environment.ts'
import type { RunningSession } from './running-session.ts'
import { createSocket, type Socket } from './socket.ts'

/** The sockets of one session by number: one, or two during a hand-over. Events of dropped sockets are ignored. */
export function createSocketPool(
  { options, environment, dispatch }: RunningSession,
  onText: (socket: number, text: unknown, maxBytes?: number) => void,
) {
  const createOne = environment.createSocket ?? createSocket
  const hasSocket = !isHttpOnly(options) && hasWebSocket(options, environment)
  const create =
    options.fallback?.createTransports({
      environment,
      createSocket: hasSocket ? createOne : undefined,
      retryNow: () => dispatch({ type: 'retry-now' }),
    }) ?? createOne
  const sockets = new Map<number, Socket>()
  let session = createRandomId(environment)
  /** The last socket could not be opened: the server may refuse it, and a browser hides why. */
  let explains = false

  return {
    connect(number: number): void {
      let configurationError: ConnectionCause | undefined
      let wasOpen = false
      const ifUsed = (handle: () => void): void => {
        if (sockets.get(number) === socket) handle()
      }
      const socket: Socket = create({
        WebSocket: options.WebSocket ?? environment.WebSocket,
        after: environment.after,
        endpoint: (isProbe = false) =>
          resolveEndpoint(options, session, explains).catch((thrown: unknown) => {
            if (thrown instanceof ConfigurationError && !isProbe)
              configurationError = { code: 'invalid-options', message: thrown.message }
            throw thrown
          }),
        onOpen: () => {
          wasOpen = true
          ifUsed(() => dispatch({ type: 'opened', socket: number }))
        },
        onLost: (cause) => {
          explains = !wasOpen && cause.code === 'network'
          wasOpen = false
          ifUsed(() => dispatch({ type: 'lost', socket: number, cause: configurationError ?? cause }))
        },
        onMessage: (text, maxBytes) => ifUsed(() => onText(number, text, maxBytes)),
        onUnanswered: (frames) => ifUsed(() => dispatch({ type: 'unanswered', socket: number, frames })),
        onPoll: () => ifUsed(() => dispatch({ type: 'poll', socket: number })),
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
    /** Makes the next socket offer a new session id. */
    renewSession(): void {
      session = createRandomId(environment)
    },
  }
}

/** Whether there is a class or a function that makes sockets. */
export function hasWebSocket(
  options: Pick<ConnectionOptions, 'WebSocket'>,
  environment: Pick<ConnectionEnvironment, 'WebSocket' | 'createSocket'>,
): boolean {
  return (options.WebSocket ?? environment.WebSocket ?? environment.createSocket ?? globalThis.WebSocket) !== undefined
}
