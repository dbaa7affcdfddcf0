import type { WebSocket } from 'ws'
import type { CancelTimer } from '../../clock.ts'
import type { ConnectionInfo } from '../integration/events.ts'
import type { GatewaySettings } from '../integration/options.ts'
import type { CloseInfo, LossNotice } from '../integration/undocumented.ts'
import { closeCodeOf } from './frame-limit.ts'

/** The events of a connection. */
export interface ConnectionListeners {
  message(text: string): void
  /** Called once. If `notify` is false, `$disconnect` does not run. */
  ended(close: CloseInfo, notify: boolean): void
}

interface ConnectionParts {
  readonly info: ConnectionInfo
  readonly socket: WebSocket
  readonly listeners: ConnectionListeners
}

const noStatus: CloseInfo = { code: 1005, reason: 'Client-side close frame status not set' }
const graceMs = 2_000 // real time after which a client that does not answer our close frame is cut

/** One socket from its handshake to its end. `lost`: it broke, and the gateway has not detected it yet. */
export class OpenConnection {
  readonly #socket: WebSocket
  readonly #settings: GatewaySettings
  readonly #listeners: ConnectionListeners
  readonly #stopWatching: CancelTimer
  #state: 'open' | 'lost' | 'ended' = 'open'
  #lastActiveAt: number
  #lossNotice: LossNotice
  #info: ConnectionInfo

  constructor(settings: GatewaySettings, { info, socket, listeners }: ConnectionParts) {
    this.#info = info
    this.#settings = settings
    this.#socket = socket
    this.#listeners = listeners
    this.#lossNotice = settings.undocumented.tcpLossNotice
    this.#lastActiveAt = settings.clock.now()
    const age = { connectedAt: info.connectedAt, lastActiveAt: () => this.#lastActiveAt }
    this.#stopWatching = watchLifetime(settings, age, (why) => this.expire(why))
    this.#listen()
  }

  get info(): ConnectionInfo {
    return this.#info
  }

  get state(): 'open' | 'lost' | 'ended' {
    return this.#state
  }

  /** Epoch milliseconds of the last message in either direction. */
  get lastActiveAt(): number {
    return this.#lastActiveAt
  }

  /** Bytes that are still in the socket's send buffer. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Sends one message. On a lost connection the message disappears, as in a broken network. */
  send(data: string | Buffer): void {
    if (this.#state !== 'open' || this.#socket.readyState !== this.#socket.OPEN) return
    this.#touch()
    this.#settings.hooks.sent?.({ connectionId: this.info.connectionId, text: String(data) })
    sendText(this.#socket, data, this.#settings.undocumented.fragmentBytes)
  }

  /** Closes the socket from the gateway's side. The connection counts as closed immediately. */
  close(code: number, reason: string, reported: CloseInfo = { code, reason }): void {
    this.#socket.close(code, reason)
    setTimeout(() => this.#socket.terminate(), graceMs).unref()
    this.#end(reported, true)
  }

  /** Destroys the socket, as a lost network does. */
  cut(): void {
    this.#lossNotice = this.#settings.undocumented.cutNotice
    this.#socket.terminate()
    this.#lose()
  }

  /** Replaces the authorizer's context in later events. */
  reauthorize(authorizer: Readonly<Record<string, string>>): void {
    this.#info = { ...this.#info, authorizer }
  }

  /** Ends the connection by the limit that it has reached. */
  expire(why: Expiry): void {
    const reported = why === 'lifetime' ? this.#settings.undocumented.lifetimeClose : undefined
    if (this.#state === 'lost') this.#end(this.#settings.undocumented.tcpLossClose, this.#lossNotice !== 'never')
    else this.close(1001, 'Going away', reported)
  }

  /** Destroys the socket without running `$disconnect`: the gateway itself shuts down. */
  abandon(): void {
    this.#end(this.#settings.undocumented.tcpLossClose, false)
    this.#socket.terminate()
  }

  #listen(): void {
    this.#socket.on('message', (data, isBinary) => {
      if (this.#state !== 'open') return
      this.#touch()
      // [TL-BAD-3]
      if (isBinary) return this.close(1003, '', this.#settings.undocumented.binaryClose)
      const text = String(data)
      this.#settings.hooks.received?.({ connectionId: this.info.connectionId, text })
      this.#listeners.message(text)
    })
    this.#socket.on('ping', () => {
      if (this.#settings.undocumented.pingResetsIdle) this.#touch()
    })
    this.#socket.on('error', (error) => {
      const code = closeCodeOf(error)
      if (code === 1009) this.#end(this.#settings.undocumented.tooLargeClose, true)
      else if (code !== undefined) this.#end({ code, reason: '' }, true)
    })
    this.#socket.on('close', (code, reason) => {
      if (code === 1006) this.#lose()
      else this.#end(code === noStatus.code ? noStatus : { code, reason: String(reason) }, true)
    })
  }

  #touch(): void {
    this.#lastActiveAt = this.#settings.clock.now()
  }

  #lose(): void {
    if (this.#state === 'ended') return
    this.#state = 'lost'
    if (this.#lossNotice === 'at-once') this.#end(this.#settings.undocumented.tcpLossClose, true)
  }

  #end(close: CloseInfo, notify: boolean): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#stopWatching()
    this.#listeners.ended(close, notify)
  }
}

/** Sends one message in fragments of at most `fragmentBytes`. A Buffer is sent as binary. */
function sendText(socket: WebSocket, data: string | Buffer, fragmentBytes: number): void {
  const binary = typeof data !== 'string'
  const bytes = binary ? data : Buffer.from(data)
  let start = 0
  do {
    const end = start + fragmentBytes
    socket.send(bytes.subarray(start, end), { binary, fin: end >= bytes.length }, ignoreBroken)
    start = end
  } while (start < bytes.length)
}

function ignoreBroken(): void {
  // the socket's `close` event follows and reports the end
}

/** The limit by which the gateway closed a connection. */
type Expiry = 'idle' | 'lifetime'

/**
 * [TL-LIM-6] Calls `expire` when a connection was silent for `idleMs` or is `lifetimeMs` old. Each connection has one
 * timer: activity does not reset it, the timer checks the last activity when it fires.
 */
function watchLifetime(
  { clock, limits }: Pick<GatewaySettings, 'clock' | 'limits'>,
  connection: { readonly connectedAt: number; readonly lastActiveAt: () => number },
  expire: (why: Expiry) => void,
): CancelTimer {
  let cancel: CancelTimer = () => {}
  const check = () => {
    const endAt = connection.connectedAt + limits.lifetimeMs
    const idleAt = connection.lastActiveAt() + limits.idleMs
    const now = clock.now()
    if (now >= endAt) return expire('lifetime')
    if (now >= idleAt) return expire('idle')
    cancel = clock.after(Math.min(endAt, idleAt) - now, check)
  }
  check()
  return () => cancel()
}
