import type { OnReadOpts, Socket } from 'node:net'
import type { WallClock } from '../ports/clock.ts'
import { markNeverReady, markNotSent, maxResends } from '../sdk/keep-alive.ts'
import { type Exchange, type ExchangeOutcome, type HttpRequest, PooledSocket } from './pooled-socket.ts'

/** Opens a socket to the server of the pool, which passes received bytes to `onread`. */
export type OpenSocket = (onread: OnReadOpts) => Socket

/** The limits of a pool. */
export interface SocketPoolOptions {
  readonly open: OpenSocket
  /** The highest number of sockets. More requests wait for one. */
  readonly sockets: number
  readonly connectionTimeoutMs: number
  readonly clock: WallClock
}

/**
 * Sends requests to one server over kept-alive sockets, one request at a time on each. A socket that was idle for more
 * than 2 s is not reused. A request that was not sent, because the reused socket was dead, is sent again; once also if a
 * new socket broke before it was ready. Node's own client takes several times the CPU time, most of it for objects and
 * events that a post does not need.
 */
export class SocketPool {
  readonly #options: SocketPoolOptions
  /** The last used one is at the end. */
  readonly #idle: PooledSocket[] = []
  readonly #waiting = new Set<Exchange>()
  /** Before the first of the waiting. A new iterator would step over each request that waited before. */
  readonly #nextWaiting = this.#waiting.values()
  #opened = 0
  /** All sockets read into it, since each chunk is read before the next one arrives. */
  readonly #buffer = Buffer.allocUnsafeSlow(65_536)

  constructor(options: SocketPoolOptions) {
    this.#options = options
  }

  /**
   * Sends a request, and calls one of `outcome` once: `done` with the response, whatever its status, or `fail` when the
   * socket fails. The returned function ends the request, and neither is called after it.
   */
  send(request: HttpRequest, outcome: ExchangeOutcome): () => void {
    const exchange: Exchange = { request, resends: 0, socket: undefined, outcome }
    this.#start(exchange)
    return () => {
      this.#waiting.delete(exchange)
      exchange.socket?.destroy()
    }
  }

  #start(exchange: Exchange): void {
    const socket = this.#takeIdle() ?? this.#open()
    if (socket === undefined) this.#waiting.add(exchange)
    else socket.start(exchange)
  }

  #takeIdle(): PooledSocket | undefined {
    const now = this.#options.clock.now()
    while (this.#idle[0]?.isStale(now)) this.#idle.shift()?.destroy()
    for (let socket = this.#idle.pop(); socket !== undefined; socket = this.#idle.pop()) {
      if (!socket.isStale(now)) return socket
      socket.destroy()
    }
    return undefined
  }

  #open(): PooledSocket | undefined {
    const { sockets, connectionTimeoutMs, open, clock } = this.#options
    if (this.#opened === sockets) return undefined
    const pooled: PooledSocket = new PooledSocket(clock, {
      free: () => this.#onFree(pooled),
      broken: (exchange, error) => this.#onBroken(exchange, error),
      unusable: () => this.#forget(pooled),
      closed: () => this.#onClosed(),
    })
    const callback = (length: number) => {
      pooled.onBytes(this.#buffer.toString('latin1', 0, length))
      return true
    }
    pooled.listen(open({ buffer: this.#buffer, callback }), connectionTimeoutMs)
    this.#opened += 1
    return pooled
  }

  #onFree(socket: PooledSocket): void {
    const next = this.#takeWaiting()
    if (next === undefined) this.#idle.push(socket)
    else socket.start(next)
  }

  #onBroken(exchange: Exchange, error: NodeJS.ErrnoException): void {
    const { isReady = true, isReusedAndSilent = false } = exchange.socket ?? {}
    const wasNotSent = (!isReady || isReusedAndSilent) && markNotSent(error)
    if (wasNotSent && isReady) for (const idle of this.#idle.splice(0)) idle.destroy() // they are most likely dead too
    if (wasNotSent && exchange.resends < (isReady ? maxResends : 1)) {
      exchange.resends += 1
      exchange.socket = undefined
      this.#start(exchange)
      return
    }
    if (!isReady) markNeverReady(error)
    exchange.outcome.fail(error)
  }

  #forget(socket: PooledSocket): void {
    const at = this.#idle.indexOf(socket)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #onClosed(): void {
    this.#opened -= 1
    const next = this.#takeWaiting()
    if (next !== undefined) this.#start(next)
  }

  #takeWaiting(): Exchange | undefined {
    if (this.#waiting.size === 0) return undefined // the iterator would end
    const next: Exchange | undefined = this.#nextWaiting.next().value
    if (next !== undefined) this.#waiting.delete(next)
    return next
  }
}
