import type * as core from 'zod/v4/core'
import type { PresenceTimes } from './definition.ts'
import type { SnapshotSubscription } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'

export interface PresenceOptions<K, D extends EventSchema> {
  readonly key: K
  /** What others see of a member beside the name. */
  readonly data: D
  /** What is shown of a member with several sessions (tabs, devices), of which the newest data comes first: `([first, ...rest]) => …`. Pure: it runs for each change. One that throws is reported, and the newest is shown. @default the newest */
  readonly merge?: (sessions: readonly [core.output<D>, ...core.output<D>[]]) => core.output<D>
  /** A lost socket that returns within it shows nothing to anybody. From 0 to 15 minutes. @default 15_000 */
  readonly graceMs?: number
  /** A member whose socket died unseen is gone after it plus one sync. At least 10 s. @default 12 min: the keepalive that there is anyway renews it. A shorter one makes its members' clients keep alive every 3/8 of it, and each keepalive is a run of a function and a write. Below 2 min a page that is hidden for long flaps: browsers let its timers run once a minute. */
  readonly leaseMs?: number
}

/** What watchers see: first `here`, the state; then each change, once and in order. */
export type PresenceEvent<D> =
  | { readonly type: 'here'; readonly members: readonly PresentMember<D>[] }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: D }
  | { readonly type: 'leave'; readonly member: string }

export interface PresentMember<D> {
  readonly member: string
  readonly data: D
}

/** Who is here, for each key. */
export interface Presence<K extends KeySchema, D extends EventSchema> {
  readonly name: string
  /** The schemas as declared: `t.procedure.input(here.key)`. */
  readonly key: K
  readonly data: D
  /** Watches and is present while the subscription lives, reconnects and hand-overs included. `member` joins several sessions (tabs, devices) of one person. Throws a `TRPCError` BAD_REQUEST with the issues of what does not fit. */
  join(
    key: core.input<K>,
    me: { readonly member: string; readonly data: core.input<D> },
  ): SnapshotSubscription<PresenceEvent<core.output<D>>>
  /** Watches without being seen. */
  watch(key: core.input<K>): SnapshotSubscription<PresenceEvent<core.output<D>>>
  /** How many are here, without saying who: for topics of thousands. */
  count(key: core.input<K>): SnapshotSubscription<number>
  /** New data for this session; a no-op, reported as `false`, when it has not joined. Inside a procedure only. */
  update(key: core.input<K>, data: core.input<D>): Promise<boolean>
  /** Who is here now, read strongly. */
  read(key: core.input<K>): Promise<readonly PresentMember<core.output<D>>[]>
}

/** Bounds of presence; what is beyond one is refused with its name. */
export const presenceLimits = {
  /** UTF-8 bytes of a member's name. */
  memberBytes: 256,
  /** UTF-8 bytes of a member's data as JSON. */
  dataBytes: 2_048,
  /** Tabs and devices of one member in one topic. */
  sessions: 50,
  /** Members that a list shows; `count` counts on. */
  listedMembers: 10_000,
} as const

const defaultGraceMs = 15_000
const defaultLeaseMs = 12 * 60_000 // 12 min: two keepalives at their slowest (5.4 min) fit, so that one may be lost
const longestGraceMs = 15 * 60_000 // what a queue can delay a message by
const shortestLeaseMs = 10_000

/** The times of a presence, checked. Throws a `RangeError` that says what was expected and what came. */
export function presenceTimes(name: string, given: Partial<PresenceTimes>): PresenceTimes {
  const { graceMs = defaultGraceMs, leaseMs = defaultLeaseMs } = given
  if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > longestGraceMs)
    throw new RangeError(`Expected graceMs of presence ${name} from 0 to ${longestGraceMs}, got ${graceMs}.`)
  if (!Number.isInteger(leaseMs) || leaseMs < shortestLeaseMs)
    throw new RangeError(`Expected leaseMs of presence ${name} of at least ${shortestLeaseMs}, got ${leaseMs}.`)
  return { graceMs, leaseMs }
}
