import type { FaultPlan } from '../kernel/fault-plan.ts'
import type { FaultId } from '../kernel/faults.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Random } from '../kernel/random.ts'
import type { Report } from '../kernel/report.ts'
import type { Operation } from '../records/application.ts'
import type { History } from '../records/history.ts'
import type { PresenceExpectations } from '../records/presence-expectations.ts'
import type { SubscriptionResponse } from '../records/subscription-responses.ts'
import type { Device, TransportChoice } from './devices/device.ts'
import type { Functions } from './functions/functions.ts'
import type { PlannedKill } from './functions/invocation.ts'
import type { Wire } from './gateway/connection.ts'
import type { SimulatedGateway } from './gateway/gateway.ts'
import type { TableStream } from './stream.ts'
import type { Table } from './table/table.ts'

/** One deployment with its environment and the devices that use it. */
export interface World {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  /** The workload's own random source. */
  readonly random: Random
  readonly table: Table
  readonly functions: Functions
  readonly gateway: SimulatedGateway
  readonly stream: TableStream
  readonly history: History
  readonly report: Report
  /** The sessions that the server has confirmed as present. */
  readonly expectations: PresenceExpectations
  /** Responses about subscriptions that reached their devices. */
  readonly responses: readonly SubscriptionResponse[]
  readonly devices: readonly Device[]
  /** The failures that the line reported, counted by message. */
  readonly reported: ReadonlyMap<string, number>
  /** Sockets of an older version by connection id, and the messages that they received since. */
  readonly oldSockets: ReadonlyMap<string, OldSocket>
  /** The number of pending asynchronous invocations. */
  readonly invocations: number
  /** The worker's timeout. */
  readonly workerMs: number
  /** The kill of a crash sweep. */
  readonly kill: PlannedKill | undefined
  addDevice(options?: DeviceChoice): Device
  /** The number for a new event. */
  nextN(): number
  /** Publishes as a script, without a gateway. */
  publish(room: string, options?: PublishChoice): void
  after(ms: number, fn: () => void): void
  /** From now on new functions are of the version with more partitions. */
  deployNext(): void
  /** Kicks, bans or revokes as an operator, again until it succeeds. */
  operate(operation: Operation): void
  /**
   * Copies the table now and restores the copy later; meanwhile no function runs. Only for workloads that set
   * `rewinds`.
   */
  rewindLater(options: RewindOptions): void
}

export interface DeviceChoice {
  /** Undefined for an anonymous device. */
  readonly principal?: string | undefined
  /** How long its tokens are valid while faults strike, in milliseconds. @default a day */
  readonly tokenLifeMs?: number
  /** The guarded rooms to which its tokens give a right, unless F54 takes it away. @default tokens without rooms */
  readonly guarded?: readonly string[]
  /** Whether it uses tRPC's own client. @default false */
  readonly stock?: boolean
  /** Its ways to the server. @default that of the world */
  readonly transport?: TransportChoice
}

export interface PublishChoice {
  /** The event's number. @default the next number */
  readonly n?: number
  readonly key?: string
  /** The maximum number of attempts. @default 1 */
  readonly tries?: number
}

export interface RewindOptions {
  readonly afterMs: number
  /** Must be longer than any post or message is in flight. */
  readonly outageMs: number
  /** Whether the gateway's sockets end with the functions, as in a local deployment. */
  readonly cutsSockets: boolean
}

export interface OldSocket {
  readonly wire: Wire
  readonly messages: readonly string[]
}

export interface WorldOptions {
  readonly seed: number
  readonly allowed: readonly FaultId[]
  readonly only?: ReadonlySet<string> | undefined
  readonly kill?: PlannedKill | undefined
  readonly swallowed?: readonly string[]
  /** The worker's timeout. */
  readonly workerMs?: number | undefined
  /** Whether the table is restored to an older copy during the schedule. */
  readonly rewinds?: boolean | undefined
  /** Faults that strike at every opportunity. */
  readonly certain?: readonly FaultId[] | undefined
  /** Whether the table starts with the rows of an older version, whose sockets are open. */
  readonly startsOld?: boolean | undefined
  /** The ways of devices with our client to the server. @default 'socket' */
  readonly transport?: TransportChoice | undefined
  /** Whether callers and `bill` have rates. */
  readonly hasRates?: boolean | undefined
  readonly trace?: ((line: string) => void) | undefined
}
