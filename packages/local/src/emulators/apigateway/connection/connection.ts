import type { WebSocket } from 'ws'
import type { CancelTimer } from '../../clock.ts'
import type { ConnectionFacts } from '../integration/events.ts'
import type { GatewaySettings } from '../integration/options.ts'
import type { CloseFacts, LossNotice } from '../integration/undocumented.ts'
import { closeCodeOf } from './frame-limit.ts'
import { type Expiry, watchLifetime } from './lifetime.ts'
import { sendText } from './send.ts'

/** What a connection tells its owner. */
export interface ConnectionListeners {
  message(text: string): void
  /** Once. `told` is false when `$disconnect` shall not hear of it. */
  ended(close: CloseFacts, told: boolean): void
}

const noStatus: CloseFacts = { code: 1005, reason: 'Client-side close frame status not set' }
const graceMs = 2_000 // a client that does not answer our close frame in this real time is cut off

/** One socket from its handshake to its end. `lost` means broken, and the gateway does not know it yet. */
export class OpenConnection {
  readonly facts: ConnectionFacts
  readonly #socket: WebSocket
  readonly #parts: GatewaySettings
  readonly #listeners: ConnectionListeners
  readonly #stopWatching: CancelTimer
  #state: 'open' | 'lost' | 'ended' = 'open'
  #lastActiveAt: number
  #lossNotice: LossNotice

  constructor(parts: GatewaySettings, facts: ConnectionFacts, socket: WebSocket, listeners: ConnectionListeners) {
    this.facts = facts
    this.#parts = parts
    this.#socket = socket
    this.#listeners = listeners
    this.#lossNotice = parts.unsure.tcpLossNotice
    this.#lastActiveAt = parts.clock.now()
    const age = { connectedAt: facts.connectedAt, lastActiveAt: () => this.#lastActiveAt }
    this.#stopWatching = watchLifetime(parts.clock, parts.walls, age, (why) => this.#expire(why))
    this.#listen()
  }

  get state(): 'open' | 'lost' | 'ended' {
    return this.#state
  }

  /** Epoch milliseconds of the last message in either direction. */
  get lastActiveAt(): number {
    return this.#lastActiveAt
  }

  /** Bytes that the client has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Sends one message. Into a lost connection it vanishes, as into a network that is no longer there. */
  send(data: string | Buffer): void {
    if (this.#state !== 'open' || this.#socket.readyState !== this.#socket.OPEN) return
    this.#touch()
    this.#parts.hooks.sent?.({ connectionId: this.facts.connectionId, text: String(data) })
    sendText(this.#socket, data, this.#parts.unsure.fragmentBytes)
  }

  /** Closes the socket from the gateway's side; it counts as closed at once. */
  close(code: number, reason: string, told: CloseFacts = { code, reason }): void {
    this.#socket.close(code, reason)
    setTimeout(() => this.#socket.terminate(), graceMs).unref()
    this.#end(told, true)
  }

  /** Destroys the socket, as a lost network does. */
  cut(): void {
    this.#lossNotice = this.#parts.unsure.cutNotice
    this.#socket.terminate()
    this.#lose()
  }

  /** Destroys the socket and tells nobody: the gateway itself goes. */
  abandon(): void {
    this.#end(this.#parts.unsure.tcpLossClose, false)
    this.#socket.terminate()
  }

  #listen(): void {
    this.#socket.on('message', (data, isBinary) => {
      if (this.#state !== 'open') return
      this.#touch()
      // [TL-BAD-3]
      if (isBinary) return this.close(1003, '', this.#parts.unsure.binaryClose)
      const text = String(data)
      this.#parts.hooks.received?.({ connectionId: this.facts.connectionId, text })
      this.#listeners.message(text)
    })
    this.#socket.on('ping', () => {
      if (this.#parts.unsure.pingResetsIdle) this.#touch()
    })
    this.#socket.on('error', (error) => {
      const code = closeCodeOf(error)
      if (code === 1009) this.#end(this.#parts.unsure.tooLargeClose, true)
      else if (code !== undefined) this.#end({ code, reason: '' }, true)
    })
    this.#socket.on('close', (code, reason) => {
      if (code === 1006) this.#lose()
      else this.#end(code === noStatus.code ? noStatus : { code, reason: String(reason) }, true)
    })
  }

  #touch(): void {
    this.#lastActiveAt = this.#parts.clock.now()
  }

  #expire(why: Expiry): void {
    const told = why === 'lifetime' ? this.#parts.unsure.lifetimeClose : undefined
    if (this.#state === 'lost') this.#end(this.#parts.unsure.tcpLossClose, this.#lossNotice !== 'never')
    else this.close(1001, 'Going away', told)
  }

  #lose(): void {
    if (this.#state === 'ended') return
    this.#state = 'lost'
    if (this.#lossNotice === 'at-once') this.#end(this.#parts.unsure.tcpLossClose, true)
  }

  #end(close: CloseFacts, told: boolean): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#stopWatching()
    this.#listeners.ended(close, told)
  }
}
