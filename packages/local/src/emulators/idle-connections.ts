import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { LocalClock } from './clock.ts'

/** Called for a request before its server handles it. Returns true if it handled the request itself. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/** Tracks the connections that clients keep alive, and how long each was idle by the line's clock. */
export function createIdleConnections(clock: Pick<LocalClock, 'now'>) {
  const usedAt = new WeakMap<Socket, number>()
  return {
    /**
     * Calls `ask` for each request on a connection that was used before. `reset` resets the connection, `silent` never
     * answers. Neither runs the request.
     */
    intercept(ask: (idleMs: number) => 'reset' | 'silent' | undefined): Intercept {
      return (request, response) => {
        const { socket } = request
        const idleSince = usedAt.get(socket)
        usedAt.set(socket, clock.now())
        const effect = idleSince === undefined ? undefined : ask(clock.now() - idleSince)
        if (effect === undefined) {
          response.once('close', () => usedAt.set(socket, clock.now()))
          return false
        }
        if (effect === 'reset') socket.resetAndDestroy()
        return true
      }
    },
  }
}
