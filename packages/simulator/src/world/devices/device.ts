import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Report } from '../../kernel/report.ts'
import type { AnswerRef, StreamInput } from '../../records/application.ts'
import type { GeneratorActions } from '../../records/generator-subscriptions.ts'
import type { CallPath, History } from '../../records/history.ts'
import type { LogActions } from '../../records/log-subscriptions.ts'
import type { PresenceActions } from '../../records/presence-subscriptions.ts'
import type { PublishedLog } from '../../records/published-log.ts'
import type { StreamActions } from '../../records/stream-subscriptions.ts'
import type { SimulatedGateway } from '../gateway/gateway.ts'
import type { HttpDoor } from '../http/http-door.ts'
import type { ProxyMode } from '../http/proxy.ts'

/** The ways of a device to the server. */
export type TransportChoice = 'socket' | 'http' | 'both'

/** A simulated browser or phone: a client over simulated sockets and timers, and the application that uses it. */
export interface Device extends LogActions, PresenceActions, GeneratorActions, StreamActions {
  readonly name: string
  /** The status of its connection. */
  readonly status: string
  /** True if it uses tRPC's own client. */
  readonly isStock: boolean
  /** The number of open sockets. */
  readonly sockets: number
  /** The number of pending timers. */
  readonly timers: number
  readonly isClosed: boolean
  call(path: CallPath, room: string, options: CallOptions): void
  /** Starts a stream. A device with tRPC's own client cannot. */
  ask(of: AnswerRef, input: StreamInput): void
  /** Stops a stream. */
  silence(of: AnswerRef): void
  /** Disconnects or reconnects the network. */
  setOnline(isOnline: boolean): void
  /** Suspends or resumes the device. */
  setAsleep(isAsleep: boolean): void
  /** Moves the wall clock forward, or back, by `ms`. */
  setClock(ms: number): void
  /** Signs in as another principal, or out: undefined. A device with tRPC's own client cannot. */
  signIn(principal: string | undefined): void
  /** Cuts the sockets and the requests. */
  cut(): void
  /** Changes what the proxy in front of the device does with its sockets. */
  setProxy(mode: ProxyMode): void
  close(): void
}

export interface CallOptions {
  /** The number that identifies the call in the history. */
  readonly n: number
  /** `auto` for the SDK's own key, `none` for no key, otherwise the caller's key. @default 'auto' */
  readonly key?: 'auto' | 'none' | string
  readonly orderingKey?: string | undefined
  /** The number of additional characters of the call. A call above one frame is sent in chunks. */
  readonly pad?: number
}

export interface DeviceOptions {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly gateway: SimulatedGateway
  readonly http: HttpDoor
  /** Its ways to the server. `http`: its proxy lets no socket pass. `both`: sockets, and HTTP where they fail. */
  readonly transport: TransportChoice
  readonly random: Random
  readonly history: History
  readonly published: PublishedLog
  readonly report: Report
  readonly clockErrorMs: number
  /** Undefined for an anonymous device. */
  readonly principal: string | undefined
  readonly tokenLifeMs: () => number
  /** The guarded rooms to which its tokens give a right; undefined for tokens without rooms. */
  readonly guarded: readonly string[] | undefined
}
