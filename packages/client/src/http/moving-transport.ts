import type { FallbackOptions } from '../connection/fallback.ts'
import type { Socket } from '../connection/socket.ts'
import type { ConnectionCause } from '../session/machine/connection-state.ts'
import type { HttpTransport } from './http-transport.ts'
import type { Movable, Moves, TransportKind } from './moves.ts'
import type { GreetedProbe, SocketSink } from './probe.ts'

/** One of the two ways that an attempt may try. */
type Way = Pick<Socket, 'send' | 'close'>

/**
 * A socket of the session that is a WebSocket, a connection over HTTP, or both while `hello` is not answered: the first
 * one that is greeted is used, and the other one is closed. The session sees one socket. [TL-MOVE-5]
 */
export class MovingTransport implements Socket, Movable {
  readonly #moves: Moves
  readonly #options: FallbackOptions
  readonly #ways = new Map<TransportKind, Way>()
  readonly #sinks = new Map<TransportKind, SocketSink>()
  #used: TransportKind | undefined
  #isOpen = false
  #isClosed = false
  /** The session's `hello`, which each way sends when it opens. */
  #hello: string | undefined
  #probe: GreetedProbe | undefined
  #cancelOther: (() => void) | undefined

  constructor(moves: Moves, options: FallbackOptions) {
    this.#moves = moves
    this.#options = options
  }

  admit(): void {
    if (this.#isClosed) return
    this.#reset()
    const isSecond = this.#moves.isSecond(this)
    this.#probe = isSecond ? this.#moves.takeProbe() : undefined
    if (this.#probe !== undefined) {
      this.#ways.set('socket', this.#probe.connect(this.#sinkOf('socket')))
      this.#onOpen()
      return
    }
    const kind = this.#moves.firstKind()
    this.#start(kind)
    if (isSecond || this.#moves.session.createSocket === undefined) return
    const other = kind === 'socket' ? 'http' : 'socket'
    this.#cancelOther = this.#options.after(this.#moves.msUntilOther(), () => {
      this.#cancelOther = undefined
      if (this.#used === undefined && !this.#isClosed) this.#startOther(other)
    })
  }

  replace(): void {
    this.#reset()
    this.#moves.onEnded(this)
  }

  send(text: string): boolean {
    if (this.#used !== undefined) return this.#ways.get(this.#used)?.send(text) ?? false
    this.#hello = text // before its answer, the session sends nothing else [TL-HELLO-1]
    const { hello } = this.#probe ?? {}
    if (hello !== undefined) this.#onMessage('socket', JSON.stringify({ id: JSON.parse(text).id, result: hello }))
    else for (const way of this.#ways.values()) way.send(text)
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#reset()
    this.#moves.onEnded(this)
  }

  beginHandover(): void {
    this.#options.onMessage('{"id":null,"method":"reconnect"}')
  }

  /** Starts the other way too. While the session waits for its back-off, its next attempt does it. */
  #startOther(kind: TransportKind): void {
    if (this.#ways.size > 0) this.#start(kind)
    else this.#moves.session.retryNow()
  }

  #start(kind: TransportKind): void {
    if (kind === 'http') {
      const http: HttpTransport = this.#moves.createHttp({
        ...this.#sinkOf('http'),
        endpoint: this.#options.endpoint,
        onUnanswered: (frames) => this.#used === 'http' && this.#options.onUnanswered(frames),
        onPoll: () => this.#used === 'http' && this.#options.onPoll(),
      })
      this.#ways.set('http', http)
      void http.open()
      return
    }
    const { WebSocket, after, endpoint } = this.#options
    const socket = this.#moves.createSocket({ WebSocket, after, endpoint: () => endpoint(), ...this.#sinkOf('socket') })
    if (socket === undefined) return
    this.#ways.set('socket', socket)
    socket.admit()
  }

  /** What one way reports. Its reports are ignored after it was closed. */
  #sinkOf(kind: TransportKind): SocketSink {
    const ifUsed = (handle: () => void) => {
      if (this.#sinks.get(kind) === sink) handle()
    }
    const sink = {
      onOpen: () => ifUsed(() => this.#onWayOpen(kind)),
      onMessage: (text: unknown, maxBytes?: number) => ifUsed(() => this.#onMessage(kind, text, maxBytes)),
      onLost: (cause: ConnectionCause) => ifUsed(() => this.#onLost(kind, cause)),
    }
    this.#sinks.set(kind, sink)
    return sink
  }

  #onWayOpen(kind: TransportKind): void {
    if (this.#hello !== undefined) this.#ways.get(kind)?.send(this.#hello)
    else this.#onOpen()
  }

  #onOpen(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#options.onOpen()
  }

  #onMessage(kind: TransportKind, text: unknown, maxBytes?: number): void {
    if (this.#used === undefined && !this.#onGreeting(kind, text)) return
    this.#options.onMessage(text, maxBytes)
  }

  /** Chooses the way that is greeted. Returns false for a message that is not for the session. */
  #onGreeting(kind: TransportKind, text: unknown): boolean {
    const isHello = String(text).includes('"hello"')
    if (!isHello && this.#ways.size > 1) {
      this.#drop(kind) // an error; the other way may still be greeted
      return false
    }
    if (!isHello) return true
    this.#used = kind
    this.#probe = undefined
    this.#cancelOther?.()
    this.#drop(kind === 'http' ? 'socket' : 'http')
    this.#moves.onGreeted(this, kind, this.#options)
    return true
  }

  #onLost(kind: TransportKind, cause: ConnectionCause): void {
    this.#drop(kind)
    const isGreeted = this.#used === kind
    if (!isGreeted && kind === 'http') this.#moves.onHttpFailed()
    if (!isGreeted && this.#ways.size > 0) return // the other way goes on
    this.#used = undefined
    this.#isOpen = false
    this.#hello = undefined
    if (isGreeted) this.#moves.onLost(this, kind)
    this.#options.onLost(cause)
  }

  #drop(kind: TransportKind): void {
    this.#sinks.delete(kind)
    this.#ways.get(kind)?.close()
    this.#ways.delete(kind)
  }

  #reset(): void {
    this.#cancelOther?.()
    this.#cancelOther = undefined
    this.#drop('socket')
    this.#drop('http')
    this.#used = undefined
    this.#isOpen = false
    this.#hello = undefined
    this.#probe = undefined
  }
}
