import { type FaultId, faultIds } from '../../kernel/faults.ts'
import type { SubscriptionPath } from '../../records/history.ts'
import type { TransportChoice } from '../../world/devices/device.ts'
import type { World } from '../../world/world.ts'

/** The actions of devices in a schedule, and its faults. */
export interface Workload {
  readonly faults: readonly FaultId[]
  /** How long the devices are active, in milliseconds. */
  readonly activeMs: number
  /** How long all clients may take to converge after faults have stopped, in milliseconds. */
  readonly settleMs: number
  /** Methods whose frames never leave a device. Without syncs, events that a race loses stay lost. */
  readonly swallowed?: readonly string[]
  /** Creates the devices and schedules their actions; `world.random` decides. */
  readonly begin: (world: World) => void
  /** Whether days may pass without devices, which then return. */
  readonly mayIdleForDays?: boolean
  /** Whether some devices use tRPC's own client. */
  readonly hasStock?: boolean
  /** Whether it uses presence; a new member then joins at the end. */
  readonly hasPresence?: boolean
  /** Whether it uses rooms that callers need a right for. */
  readonly hasRights?: boolean
  /** Whether it uses the room with partitions. */
  readonly hasPartitions?: boolean
  /** Whether it uses streams; they are started and read once more at the end. */
  readonly hasStreams?: boolean
  /** Whether it uses generators. */
  readonly hasGenerators?: boolean
  /** The timeout of the worker function in milliseconds. */
  readonly workerMs?: number
  /** Whether the table is restored to an older copy during the schedule. */
  readonly rewinds?: boolean
  /** The ways of devices with our client to the server. @default 'socket' */
  readonly transport?: TransportChoice
  /** Whether callers and `bill` have rates. */
  readonly hasRates?: boolean
  /** Faults that strike at every opportunity. */
  readonly certain?: readonly FaultId[]
  /** Whether the table starts with the rows of an older version, whose sockets are still open. */
  readonly startsOld?: boolean
  /** Too long to be part of the rotation. */
  readonly isLong?: boolean
  /** Whether no function dies. Then no row may be left over, not even until the next push finds it. */
  readonly leavesNoRows?: boolean
}

/** The rooms of every schedule. */
export const rooms = ['a', 'b'] as const
export const minute = 60_000
export const keepaliveMs = 325_000
export const twoSyncsMs = 2 * keepaliveMs + minute

/** All faults but these. */
export const without = (...left: readonly FaultId[]) => faultIds.filter((id) => !left.includes(id))
/** Faults that can lose a push permanently when no sync repairs it. */
export const lossFaults: readonly FaultId[] = ['F1', 'F2', 'F5', 'F6', 'F9', 'F12', 'F35', 'F40', 'F42', 'F38', 'F32']

/** The paths of a typical subscriber, with weights. */
export const paths: readonly SubscriptionPath[] = ['live', 'replayed', 'thirds', 'live']
