import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Report } from '../../kernel/report.ts'
import type { Peer, Wire } from '../gateway/connection.ts'
import type { SimulatedGateway } from '../gateway/gateway.ts'
import type { DeviceClock } from './device-clock.ts'

/** The maximum time of a hand-over: handshake, hello, resumes and calls. */
const longestPairMs = 120_000

/** A device's network: its sockets, and whether it is connected. */
export class DeviceNetwork {
  readonly #name: string
  readonly #kernel: Kernel
  readonly #gateway: SimulatedGateway
  readonly #random: Random
  readonly #report: Report
  readonly #clock: DeviceClock
  readonly #wires = new Set<Wire>()
  #isOnline = true

  constructor(
    options: {
      readonly name: string
      readonly kernel: Kernel
      readonly gateway: SimulatedGateway
      readonly random: Random
      readonly report: Report
    },
    clock: DeviceClock,
  ) {
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

  /** The number of open sockets. */
  get sockets(): number {
    return this.#wires.size
  }

  /** Opens a socket. */
  connect(protocols: readonly string[], peer: Peer): Wire {
    const wire = this.#gateway.connect(this.#name, protocols, peer)
    this.#wires.add(wire)
    this.#watchPair()
    if (this.#wires.size > 2) this.#report.break('H14', `${this.#name} has ${this.#wires.size} sockets`)
    return wire
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
    return true
  }

  /** Cuts all sockets, and both ends notice it. */
  cut(): void {
    for (const wire of [...this.#wires]) wire.break({ device: true, gateway: true })
  }
}
