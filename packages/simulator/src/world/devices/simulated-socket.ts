import type { Socket, SocketOptions } from '@trunkline/client'
import type { Wire } from '../gateway/connection.ts'
import type { DeviceClock } from './device-clock.ts'
import type { DeviceNetwork } from './device-network.ts'

const handshakeMs = 15_000

/** The socket of our client. It makes one attempt whenever the client admits one, as the WebSocket library does. */
export class SimulatedSocket implements Socket {
  readonly #options: SocketOptions
  readonly #network: DeviceNetwork
  readonly #clock: DeviceClock
  #isAdmitted = false
  #isClosed = false
  /** Whether an attempt or its socket exists. */
  #isBusy = false
  #isOpen = false
  /** The number of the current attempt. Callbacks of earlier attempts are ignored. */
  #attempt = 0
  #wire: Wire | undefined

  constructor(options: SocketOptions, network: DeviceNetwork, clock: DeviceClock) {
    this.#options = options
    this.#network = network
    this.#clock = clock
  }

  admit(): void {
    this.#isAdmitted = true
    this.#connect()
  }

  replace(): void {
    this.#isAdmitted = false
    this.#abandon()
  }

  send(text: string): boolean {
    return this.#isOpen && this.#wire?.send(text) === true
  }

  close(): void {
    this.#isClosed = true
    this.#abandon()
  }

  #connect(): void {
    if (!this.#isAdmitted || this.#isBusy || this.#isClosed) return
    this.#isAdmitted = false
    this.#isBusy = true
    const attempt = ++this.#attempt
    const cancelTimeout = this.#clock.after(
      handshakeMs,
      () => !this.#isOpen && this.#lose(attempt, 'the handshake took too long'),
    )
    const fail = () => {
      cancelTimeout()
      this.#lose(attempt, 'the attempt failed')
    }
    this.#options.endpoint().then(({ protocols }) => {
      if (!this.#isCurrent(attempt)) return cancelTimeout()
      if (!this.#network.isOnline) return this.#network.failSoon(fail)
      this.#open(attempt, protocols, cancelTimeout)
    }, fail)
  }

  #open(attempt: number, protocols: readonly string[], cancelTimeout: () => void): void {
    this.#wire = this.#network.connect(protocols, {
      opened: () =>
        this.#clock.whenAwake(() => {
          cancelTimeout()
          if (!this.#isCurrent(attempt)) return
          this.#isOpen = true
          this.#options.onOpen()
        }),
      message: (text) =>
        this.#clock.whenAwake(() => {
          if (this.#isCurrent(attempt)) this.#options.onMessage(text)
        }),
      lost: (code, reason) =>
        this.#clock.whenAwake(() => {
          cancelTimeout()
          this.#lose(attempt, reason, code)
        }),
    })
  }

  #isCurrent(attempt: number): boolean {
    return attempt === this.#attempt && !this.#isClosed
  }

  #lose(attempt: number, message: string, code?: number): void {
    if (!this.#isCurrent(attempt)) return
    this.#abandon()
    this.#isAdmitted = false
    this.#options.onLost({ code: code === undefined ? 'network' : 'server', message })
  }

  #abandon(): void {
    this.#attempt += 1
    this.#isBusy = false
    this.#isOpen = false
    if (this.#wire !== undefined) this.#network.release(this.#wire)
    this.#wire = undefined
  }
}
