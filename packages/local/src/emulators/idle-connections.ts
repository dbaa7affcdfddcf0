import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { LocalClock } from './clock.ts'

/** Sees a request before its server does; true when it has dealt with it. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/** The connections that clients keep alive, and how long each was idle by the line's clock. */
export function createIdleConnections(clock: Pick<LocalClock, 'now'>) {
  const usedAt = new WeakMap<Socket, number>()
  return {
    /** `ask` decides about each request on a connection that was used before: `reset` resets it, `silent` never answers. Neither runs the request. */
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
