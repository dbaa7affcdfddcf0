import { withDocs } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'
import type { PresenceTimes } from './definition.ts'
import type { SnapshotSubscription } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'
import type { TopicRights } from './topic-rights.ts'

/** The schemas, the merge and the times of a presence, and who may join, watch and count. */
export interface PresenceOptions<K, D extends EventSchema, C = unknown> extends TopicRights<core.output<K>, C> {
  /** A flat object of strings and finite numbers. Each key has members of its own. */
  readonly key: K
  /** What others see of a member, apart from its name. At most 2,048 UTF-8 bytes of JSON. */
  readonly data: D
  /**
   * Merges the data of a member's sessions (tabs, devices), newest first. It must be pure: it runs for each change. If
   * it throws, the error is reported and the newest data is shown.
   * @default the newest data
   */
  readonly merge?: (sessions: readonly [core.output<D>, ...core.output<D>[]]) => core.output<D>
  /** Milliseconds within which a lost socket may reconnect without a `leave`. From 0 to 900,000. @default 15_000 */
  readonly graceMs?: number
  /**
   * Milliseconds after which a member whose socket died without a notice is absent, plus one sync. At least 10,000. The
   * clients' usual keepalive renews the default. With a shorter lease, the members' clients send a keepalive every 3/8
   * of it, and each keepalive runs a function and a write. Below 2 minutes a hidden page appears to leave and rejoin,
   * because browsers run its timers once a minute.
   * @default 720_000
   */
  readonly leaseMs?: number
}

/** What watchers get: first `here`, the members at present, then each change, once and in order. */
export type PresenceEvent<D> =
  | { readonly type: 'here'; readonly members: readonly PresentMember<D>[] }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: D }
  | { readonly type: 'leave'; readonly member: string }

/** A member that is present, and what it shows of itself. */
export interface PresentMember<D> {
  readonly member: string
  readonly data: D
}

/** The members that are present, for each key. */
export interface Presence<K extends KeySchema, D extends EventSchema> {
  readonly name: string
  /** The schema as declared: `t.procedure.input(here.key)`. */
  readonly key: K
  readonly data: D
  /**
   * Watches, and makes a member present while the subscription lives, also across reconnects. Sessions (tabs, devices)
   * with the same `member` count as one member. Throws a `TRPCError` BAD_REQUEST with the issues if the key, the member
   * or the data is invalid.
   */
  join(
    key: core.input<K>,
    me: { readonly member: string; readonly data: core.input<D> },
  ): SnapshotSubscription<PresenceEvent<core.output<D>>>
  /** Watches without being present. */
  watch(key: core.input<K>): SnapshotSubscription<PresenceEvent<core.output<D>>>
  /** Watches only how many members are present: for topics with thousands of members. */
  count(key: core.input<K>): SnapshotSubscription<number>
  /**
   * Sets the data of the caller's session. Returns `false`, and does nothing, if it has not joined. Inside a procedure
   * only.
   */
  update(key: core.input<K>, data: core.input<D>): Promise<boolean>
  /** The members that are present now, by a strongly consistent read. */
  read(key: core.input<K>): Promise<readonly PresentMember<core.output<D>>[]>
}

/** Bounds of presence. What exceeds one is refused, with the name of the bound. */
export const presenceLimits = {
  /** UTF-8 bytes of a member's name. */
  memberBytes: 256,
  /** UTF-8 bytes of a member's data as JSON. */
  dataBytes: 2_048,
  /** Tabs and devices of one member in one topic. */
  sessions: 50,
  /** Members in a list. `count` has no bound. */
  listedMembers: 10_000,
} as const

const defaultGraceMs = 15_000
const defaultLeaseMs = 12 * 60_000 // 12 min: two keepalives at their slowest (5.4 min) fit, so that one may be lost
const longestGraceMs = 15 * 60_000 // the longest delay of an SQS message
const shortestLeaseMs = 10_000

/** Validates the times of a presence and applies the defaults. Throws a `RangeError`. */
export function presenceTimes(name: string, given: Partial<PresenceTimes>): PresenceTimes {
  const { graceMs = defaultGraceMs, leaseMs = defaultLeaseMs } = given
  if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > longestGraceMs)
    throw new RangeError(
      withDocs(
        'declarations',
        `Expected graceMs of presence ${name} from 0 to ${longestGraceMs}, got ${graceMs}. Choose a value of this range.`,
      ),
    )
  if (!Number.isInteger(leaseMs) || leaseMs < shortestLeaseMs)
    throw new RangeError(
      withDocs(
        'declarations',
        `Expected leaseMs of presence ${name} of at least ${shortestLeaseMs}, got ${leaseMs}. Choose a longer lease.`,
      ),
    )
  return { graceMs, leaseMs }
}
