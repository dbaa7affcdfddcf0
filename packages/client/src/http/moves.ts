import type { FallbackOptions, FallbackSession } from '../connection/fallback.ts'
import type { Socket, SocketOptions } from '../connection/socket.ts'
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts'
import { type GreetedProbe, Probe } from './probe.ts'
import type { Throttle } from './requests.ts'

export type TransportKind = 'socket' | 'http'

const fallbackMs = 4_000 // a socket that is not greeted for so long counts as failed
const youngMs = 60_000 // a socket that is lost sooner after its greeting died young
const mostYoungDeaths = 3
const betweenMovesMs = 60_000
const firstProbeMs = 30_000
const longestProbeMs = 600_000
const probeSpread = 0.2 // ± 20 %

/** A transport of the session, as far as the choice between socket and HTTP needs it. */
export interface Movable {
  /** Makes the session begin a hand-over to a new transport, which takes the probe. */
  beginHandover(): void
}

/**
 * Which transport a session uses: sockets, with HTTP where they fail, and back. One for each session, over all of its
 * transports. [TL-MOVE-5] [TL-MOVE-7]
 */
export class Moves {
  readonly session: FallbackSession
  readonly #http: Pick<HttpTransportOptions, 'fetch' | 'url'>
  readonly #throttle: Throttle = { until: Number.NEGATIVE_INFINITY }
  /** The transport whose `hello` was answered last, until it is lost or closed. */
  #inUse: Movable | undefined
  #kind: TransportKind | undefined
  #greetedAt = 0
  #movedAt = Number.NEGATIVE_INFINITY
  #youngDeaths = 0
  /** Since when no transport is greeted. */
  #triesSince: number | undefined
  #probe: Probe | undefined
  #probeMs = firstProbeMs
  #cancelProbe: (() => void) | undefined

  constructor(session: FallbackSession, http: Pick<HttpTransportOptions, 'fetch' | 'url'>) {
    this.session = session
    this.#http = http
  }

  get now(): number {
    return this.session.environment.monotonic()
  }

  /** Whether another transport is in use, so that this one is the second of a hand-over. */
  isSecond(transport: Movable): boolean {
    return this.#inUse !== undefined && this.#inUse !== transport
  }

  /** The kind with which an attempt begins. */
  firstKind(): TransportKind {
    if (this.session.createSocket === undefined) return 'http'
    const mayMove = this.#kind !== 'socket' || this.now - this.#movedAt >= betweenMovesMs
    if (this.#youngDeaths >= mostYoungDeaths && mayMove) return 'http'
    return this.#kind ?? 'socket'
  }

  /** How long an attempt waits before it tries the other kind too. */
  msUntilOther(): number {
    this.#triesSince ??= this.now
    return Math.max(0, this.#triesSince + fallbackMs - this.now)
  }

  createSocket(options: SocketOptions): Socket | undefined {
    return this.session.createSocket?.(options)
  }

  createHttp(options: Omit<HttpTransportOptions, 'environment' | 'fetch' | 'url' | 'throttle'>): HttpTransport {
    return new HttpTransport({
      ...options,
      ...this.#http,
      throttle: this.#throttle,
      environment: this.session.environment,
    })
  }

  /** Notes that `hello` was answered. */
  onGreeted(transport: Movable, kind: TransportKind, options: FallbackOptions): void {
    if (this.#kind !== undefined && this.#kind !== kind) this.#movedAt = this.now
    this.#inUse = transport
    this.#kind = kind
    this.#greetedAt = this.now
    this.#triesSince = undefined
    this.#stopProbing()
    if (kind === 'http') this.#scheduleProbe(options)
  }

  /** Notes that a greeted transport was lost. */
  onLost(transport: Movable, kind: TransportKind): void {
    const isYoung = this.now - this.#greetedAt < youngMs
    if (kind === 'socket') {
      this.#youngDeaths = isYoung ? this.#youngDeaths + 1 : 0
      if (!isYoung) this.#probeMs = firstProbeMs
    }
    this.onEnded(transport)
  }

  /**
   * Notes that HTTP failed before it was greeted. The whole network may be down, so the next socket gets its 4 s again:
   * when the network is back, the client is not on HTTP for no reason.
   */
  onHttpFailed(): void {
    this.#triesSince = undefined
  }

  /** Notes that a transport is not used any more. */
  onEnded(transport: Movable): void {
    if (this.#inUse !== transport) return
    this.#inUse = undefined
    this.#stopProbing()
  }

  /** The socket of a probe that was greeted, for the second transport of the hand-over that it has begun. */
  takeProbe(): GreetedProbe | undefined {
    const greeted = this.#probe?.take()
    this.#stopProbing() // a second transport and a probe would be three
    return greeted
  }

  #stopProbing(): void {
    this.#cancelProbe?.()
    this.#cancelProbe = undefined
    this.#probe?.close()
    this.#probe = undefined
  }

  #scheduleProbe(options: FallbackOptions): void {
    if (this.session.createSocket === undefined) return
    const { after, random } = this.session.environment
    const spread = 1 - probeSpread + 2 * probeSpread * random()
    const ms = Math.max(this.#probeMs * spread, this.#movedAt + betweenMovesMs - this.now)
    this.#probeMs = Math.min(longestProbeMs, 2 * this.#probeMs)
    this.#cancelProbe = after(ms, () => this.#startProbe(options))
  }

  #startProbe(options: FallbackOptions): void {
    this.#cancelProbe = undefined
    const again = () => {
      if (this.#probe !== probe) return // it was taken, or its transport has ended
      this.#stopProbing()
      this.#scheduleProbe(options)
    }
    const probe = new Probe(this.session, options, {
      onGreeted: () => {
        this.#inUse?.beginHandover()
        again() // the session cannot move now
      },
      onFailed: again,
    })
    this.#probe = probe
    probe.start()
  }
}
