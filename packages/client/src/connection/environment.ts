import { toBase64Url } from '@trunkline/protocol'
import type { Socket, SocketOptions, WebSocketLike } from './socket.ts'

/** The clock, randomness and sockets of a connection. Tests, a local line and simulations replace them. */
export interface ConnectionEnvironment {
  /** The wall clock, in epoch milliseconds. It may be set at any time. */
  now(): number
  /**
   * A clock for elapsed time, in milliseconds since any moment. Setting the wall clock does not change it.
   *
   * @default `now` when it is given, else `performance.now`
   */
  monotonic(): number
  /** Calls `fn` once after `ms` milliseconds. Returns a function that cancels it. */
  after(ms: number, fn: () => void): () => void
  /** A random number, uniform in [0, 1). */
  random(): number
  /**
   * Returns `count` random bytes for session ids and keys. These are secrets: only a simulation may use `random` for
   * them.
   */
  randomBytes(count: number): Uint8Array
  /** Handles an error that a callback of the application threw. @default throws it as an uncaught error */
  uncaught(error: unknown): void
  readonly WebSocket?: WebSocketLike
  /** Sends the requests of `overHttp`, unless its options have a `fetch`. @default the runtime's `fetch` */
  readonly fetch?: typeof fetch
  /** Creates each socket, instead of one over `WebSocket`. A hand-over calls it for its second socket. */
  readonly createSocket?: (options: SocketOptions) => Socket
}

/** The longest timer, in milliseconds. In every engine, a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1

/** The clock and randomness of the machine. */
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

/** 132 random bits as 22 characters of base64url, for a key or a session id. The session id is a secret. */
export function createRandomId({ randomBytes }: Pick<ConnectionEnvironment, 'randomBytes'>): string {
  return toBase64Url(randomBytes(22)).slice(0, 22)
}
