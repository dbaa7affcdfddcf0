import type { Socket } from 'node:net'
import type { WallClock } from '../ports/clock.ts'
import { isIdleTooLong } from '../sdk/keep-alive.ts'
import { type HttpResponse, parseResponse } from './http-response.ts'

/** A request as it is written. */
export interface HttpRequest {
  /** The head and the body. */
  readonly text: string
  /** `latin1` is faster. It is for a text of ASCII alone. */
  readonly encoding: 'latin1' | 'utf8'
}

/** Called once, with what a request ended by. */
export interface ExchangeOutcome {
  done(response: HttpResponse): void
  fail(error: unknown): void
}

/** A request with its place in the pool. */
export interface Exchange {
  readonly request: HttpRequest
  readonly outcome: ExchangeOutcome
  resends: number
  socket: PooledSocket | undefined
}

interface PooledSocketEvents {
  /** The response has ended, and the socket can take another request. */
  free(): void
  /** The socket failed during a request. */
  broken(exchange: Exchange, error: NodeJS.ErrnoException): void
  /** The server or an error has ended the socket. */
  unusable(): void
  closed(): void
}

/** A socket with at most one request. */
export class PooledSocket {
  readonly #clock: WallClock
  readonly #events: PooledSocketEvents
  #socket: Socket | undefined
  #exchange: Exchange | undefined
  /** The bytes of the response so far. */
  #received = ''
  /** When the last request began or ended, in epoch milliseconds. */
  #usedAt = Number.NaN
  #requests = 0
  #isReady = false
  #error: NodeJS.ErrnoException | undefined

  constructor(clock: WallClock, events: PooledSocketEvents) {
    this.#clock = clock
    this.#events = events
  }

  /**
   * Whether the current request is not the first one, began less than 2 s ago, and no byte of its response has arrived.
   * After a freeze, the server may have answered a request and closed the socket meanwhile.
   */
  get isReusedAndSilent(): boolean {
    return this.#requests > 1 && this.#received === '' && !this.isStale(this.#clock.now())
  }

  /** Whether the socket is connected, and its TLS handshake has ended. No request is sent before. */
  get isReady(): boolean {
    return this.#isReady
  }

  isStale(now: number): boolean {
    return isIdleTooLong(now - this.#usedAt)
  }

  listen(socket: Socket, connectionTimeoutMs: number): void {
    this.#socket = socket
    this.#isReady = !socket.connecting
    if (socket.connecting) {
      limitConnecting(socket, connectionTimeoutMs)
      socket.once(readyEventOf(socket), () => {
        this.#isReady = true
      })
    }
    socket.on('error', (error) => {
      this.#error = error
      this.#events.unusable()
    })
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onClose())
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange
    exchange.socket = this
    this.#received = ''
    this.#requests += 1
    this.#usedAt = this.#clock.now()
    this.#socket?.ref()
    this.#socket?.write(exchange.request.text, exchange.request.encoding)
  }

  onBytes(bytes: string): void {
    this.#received += bytes
    if (this.#exchange !== undefined) this.#read(false)
    else this.destroy() // nothing may arrive between two requests
  }

  /** Closes the socket without an outcome for its request. */
  destroy(): void {
    this.#release()
    this.#events.unusable()
    this.#socket?.destroy()
  }

  /** Parts the socket and its request, so that a late end of the request cannot close the socket under the next one. */
  #release(): void {
    if (this.#exchange !== undefined) this.#exchange.socket = undefined
    this.#exchange = undefined
  }

  #read(isEnded: boolean): void {
    const exchange = this.#exchange
    try {
      const response = exchange && parseResponse(this.#received, isEnded)
      if (response === undefined) return
      this.#release()
      this.#free(response.isReusable && !isEnded)
      exchange?.outcome.done(response)
    } catch (error) {
      this.destroy()
      exchange?.outcome.fail(error)
    }
  }

  #free(isReusable: boolean): void {
    const now = this.#clock.now()
    // The process may have been frozen during a request that took so long.
    const isWritten = this.#socket?.writableLength === 0 // else the server has answered before the end of the request
    if (isReusable && isWritten && !this.isStale(now)) {
      this.#usedAt = now
      this.#socket?.unref() // an idle socket does not keep the process alive
      this.#events.free()
    } else this.destroy()
  }

  #onEnd(): void {
    this.#events.unusable()
    this.#read(true)
    if (this.#exchange !== undefined) this.#socket?.destroy() // it would stay open until the request is written
  }

  #onClose(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#events.unusable()
    this.#events.closed()
    if (exchange !== undefined) this.#events.broken(exchange, this.#error ?? new ClosedSocketError())
  }
}

/** Destroys a socket that does not connect in time. A TLS handshake gets as much time as the connection before it. */
function limitConnecting(socket: Socket, ms: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = () => {
    clearTimeout(timer)
    timer = undefined
  }
  const begin = () => {
    end()
    const own = setTimeout(() => setImmediate(expire), ms)
    // A busy process runs late timers before it sees the connections that were made meanwhile.
    const expire = () => {
      if (timer === own) socket.destroy(new ConnectionTimeoutError(ms))
    }
    timer = own
  }
  begin()
  socket.once('connect', begin).once(readyEventOf(socket), end).once('close', end)
}

function readyEventOf(socket: Socket): 'secureConnect' | 'connect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect'
}

/** The server closed the socket before the response had ended. */
class ClosedSocketError extends Error {
  readonly code = 'ECONNRESET'
  constructor() {
    super('The server closed the socket before its response had ended.')
  }
}

/** No connection in time, so nothing was sent. */
class ConnectionTimeoutError extends Error {
  readonly code = 'ECONNREFUSED'
  constructor(ms: number) {
    super(`No connection within ${ms} ms.`)
  }
}
