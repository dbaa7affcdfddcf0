import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Report } from '../../kernel/report.ts'
import type { Peer, Wire } from '../gateway/connection.ts'
import type { SimulatedGateway } from '../gateway/gateway.ts'
import type { HttpDoor } from '../http/http-door.ts'
import { openThroughProxy, type ProxyMode } from '../http/proxy.ts'
import type { DeviceClock } from './device-clock.ts'
import { DeviceRequests } from './device-requests.ts'

/** The maximum time of a hand-over: handshake, hello, resumes and calls. */
const longestPairMs = 120_000

/** A device's network: its sockets and requests, its proxy, and whether it is connected. */
export class DeviceNetwork {
  readonly #name: string
  readonly #kernel: Kernel
  readonly #gateway: SimulatedGateway
  readonly #random: Random
  readonly #report: Report
  readonly #clock: DeviceClock
  readonly #wires = new Set<Wire>()
  readonly #requests: DeviceRequests
  #isOnline = true
  #proxy: ProxyMode = 'passes'

  constructor(
    options: {
      readonly name: string
      readonly kernel: Kernel
      readonly gateway: SimulatedGateway
      readonly http: HttpDoor
      readonly random: Random
      readonly report: Report
    },
    clock: DeviceClock,
  ) {
    this.#requests = new DeviceRequests(options, { clock, isOnline: () => this.#isOnline })
    this.#name = options.name
    this.#kernel = options.kernel
    this.#gateway = options.gateway
    this.#random = options.random
    this.#report = options.report
    this.#clock = clock
  }

  get isOnline(): boolean {
    return this.#isOnline
  }

  /** The number of open sockets, and of HTTP requests that are out. */
  get sockets(): number {
    return this.#wires.size + this.#requests.out
  }

  /** Sends an HTTP request. */
  readonly fetch: typeof fetch = (...args) => {
    const response = this.#requests.fetch(...args)
    this.#countTransports()
    return response
  }

  /** Changes what the proxy does with new sockets. It ends those that are open, if it lets none pass. */
  setProxy(mode: ProxyMode): void {
    this.#proxy = mode
    if (mode !== 'passes') this.cutSockets()
  }

  /** Opens a socket. */
  connect(protocols: readonly string[], peer: Peer): Wire {
    const pass = () => this.#gateway.connect(this.#name, protocols, peer)
    const wire = openThroughProxy(this.#proxy, { kernel: this.#kernel, random: this.#random }, { peer, pass })
    this.#wires.add(wire)
    this.#watchPair()
    if (this.#wires.size > 2) this.#report.break('H14', `${this.#name} has ${this.#wires.size} sockets`)
    this.#countTransports()
    return wire
  }

  /** Two transports are allowed: a socket and HTTP while neither is greeted, and during a probe or a hand-over. */
  #countTransports(): void {
    const [sockets, others] = [this.#wires.size, this.#requests.connections]
    if (others > 0 && sockets + others > 2)
      this.#report.break('H21', `${this.#name} has ${sockets} sockets and ${others} connections over HTTP`)
  }

  /** Closes a socket. Without a network, the gateway does not notice it. */
  release(wire: Wire): void {
    this.#wires.delete(wire)
    if (!this.#isOnline) wire.break({ device: false, gateway: false })
    wire.close()
  }

  /** Calls `fail` for an attempt without a network. */
  failSoon(fail: () => void): void {
    this.#clock.after(this.#random.between(5, 500), fail)
  }

  /** Two sockets are allowed only during a hand-over, which has a time limit. */
  #watchPair(): void {
    if (this.#wires.size < 2) return
    const pair = [...this.#wires]
    const { sleptMs } = this.#clock
    this.#kernel.after(longestPairMs, `pair ${this.#name}`, () => {
      const hasSlept = this.#clock.isAsleep || this.#clock.sleptMs > sleptMs
      if (hasSlept || !pair.every((wire) => this.#wires.has(wire))) return
      this.#report.break('H14', `${this.#name} kept two sockets for ${longestPairMs} ms`)
    })
  }

  /** Returns false if nothing changed. */
  setOnline(isOnline: boolean): boolean {
    if (isOnline === this.#isOnline) return false
    this.#isOnline = isOnline
    if (isOnline) return true
    const noticedBy = { device: this.#random.chance(0.5), gateway: this.#random.chance(0.5) }
    for (const wire of [...this.#wires]) wire.break(noticedBy)
    this.#requests.cut()
    return true
  }

  /** Cuts all sockets and requests, and both ends notice it. */
  cut(): void {
    this.cutSockets()
    this.#requests.cut()
  }

  cutSockets(): void {
    for (const wire of [...this.#wires]) wire.break({ device: true, gateway: true })
  }
}
