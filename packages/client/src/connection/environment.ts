import { toBase64Url } from '@trunkline/protocol'
import type { Socket, SocketOptions, WebSocketLike } from './socket.ts'

/** Time, chance and sockets of a connection, so that a test, a local line or a simulation can set them: the connection has no others. */
export interface ConnectionEnvironment {
  /** Epoch milliseconds: the wall clock, which may be set at any time. */
  now(): number
  /** Milliseconds since some moment, for elapsed time: setting the wall clock does not move it. @default `now`, when that is given */
  monotonic(): number
  /** Calls `fn` once after `ms`. Returns the way to undo it. */
  after(ms: number, fn: () => void): () => void
  /** Uniform in [0, 1). */
  random(): number
  /** Fresh random bytes, for session ids and keys. They are secrets: only a simulation may draw them from `random`. */
  randomBytes(count: number): Uint8Array
  /** Told what a callback of the application threw. The machine's makes it an uncaught error. */
  uncaught(error: unknown): void
  readonly WebSocket?: WebSocketLike
  /** Makes each socket, in place of the one over `WebSocket`. Called anew for each of the two of a hand-over. */
  readonly createSocket?: (options: SocketOptions) => Socket
}

/** A timer set further ahead than this fires at once, in every engine. */
const longestTimerMs = 2 ** 31 - 1

/** The machine's own clock and dice. */
export const machineEnvironment: ConnectionEnvironment = {
  now: () => Date.now(),
  monotonic: () => (globalThis.performance ?? Date).now(),
  random: () => Math.random(),
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(ms, longestTimerMs))
    return () => clearTimeout(timer)
  },
  uncaught(error) {
    setTimeout(() => {
      throw error
    })
  },
}

/** 132 random bits as 22 characters of base64url: a session's id, which whoever knows it is, or a key. */
export function createRandomId({ randomBytes }: Pick<ConnectionEnvironment, 'randomBytes'>): string {
  return toBase64Url(randomBytes(22)).slice(0, 22)
}
