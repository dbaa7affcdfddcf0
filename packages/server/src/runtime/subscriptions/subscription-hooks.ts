import type { FrameId, SnapshotResult } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { Client } from '../calls/worker-job.ts'
import type { Frame } from '../encoding/encode.ts'
import type { PartitionQuestion } from '../log/place-partition.ts'
import type { Replay } from '../log/replay.ts'

/** A parsed subscribe frame. */
export interface SubscribeRequest extends PartitionQuestion {
  readonly id: FrameId
  readonly path: string
  /** Deserialised. For a stock client `lastEventId` is merged in, as tRPC does. */
  readonly input: unknown
  /** The input before deserialisation, with which deliveries run the procedure again. */
  readonly rawInput: unknown
  readonly lastEventId: string | undefined
  readonly ref: number
  readonly batchIndex: number
}

/** Who subscribes, and to what. */
export interface Subscribing {
  readonly client: Client
  readonly request: SubscribeRequest
}

/** The result of claiming the connection's own row, which decides [LAW-CONNECTION-ROW]. */
export type Claim =
  | { readonly status: 'claimed'; readonly shard: number; readonly repeated: boolean; readonly wasLive: boolean }
  | { readonly status: 'refused'; readonly row: ConnectionSubscription }

/** What a subscription begins with. `found` is undefined for an ephemeral channel. */
export interface SubscriptionStart {
  readonly found: Replay | undefined
  readonly snapshot: SnapshotResult | undefined
}

/**
 * The steps of a subscribe that depend on the kind of the subscription: a log, an ephemeral channel, a presence or a
 * generator. `orderedHooks` changes those of a log for a stock client. They run in this order.
 */
export interface SubscriptionHooks {
  /** Whether the subscription is one of the live ones that are counted for its connection. */
  readonly isCounted: boolean
  beforeClaim(): Promise<void>
  claim(): Promise<Claim>
  /**
   * Makes the subscription live. Returns the topic's row; undefined when the subscription has ended meanwhile, or when
   * another function continues it.
   */
  registered(shard: number): Promise<Subscriber | undefined>
  /** Runs before the log is read. */
  resumed(): Promise<void>
  /** The state that the subscription begins with, and the place in the log that it is of. Absent: it has no state. */
  readonly loadState?: (found: Replay) => Promise<{ readonly at: Replay; readonly state: unknown }>
  /** Runs instead of `started` when the log or the state could not be loaded. */
  ended(thrown: unknown): Promise<void>
  /** Returns the frames that answer; none when it has posted them. */
  started(row: Subscriber, start: SubscriptionStart): Promise<readonly Frame[]>
}
