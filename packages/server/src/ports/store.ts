import type { ConnectionStore } from './connections.ts'
import type { ErasureStore } from './erasure.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { LeaseStore } from './leases.ts'
import type { LogStore } from './log.ts'
import type { PresenceStore } from './presence.ts'
import type { PrincipalStore } from './principals.ts'
import type { RateStore } from './rates.ts'
import type { StreamStore } from './streams.ts'
import type { SubscriberStore } from './subscribers.ts'
import type { SubscriptionStore } from './subscriptions.ts'
import type { UploadStore } from './uploads.ts'

export type * from './connections.ts'
export type * from './idempotency.ts'
export type * from './leases.ts'
export type * from './log.ts'
export type * from './presence.ts'
export type * from './principals.ts'
export type * from './rates.ts'
export type * from './streams.ts'
export type * from './subscribers.ts'
export type * from './subscriptions.ts'
export type * from './uploads.ts'

/**
 * Where a line keeps its state: the sum of eleven ports. It has conditional writes of single rows and strongly
 * consistent reads, and nothing else. The rules of what is done with them are in `runtime`.
 *
 * These laws hold for every member. Each port adds its own. `@trunkline/server/ports/testing` has the suite that an
 * implementation must pass.
 *
 * - Every operation MUST be linearizable per row, and atomic: it happened entirely or not at all, also when it throws.
 *   After a throw the caller does not know which, unless `mayHaveHappened` is false.
 * - Every read MUST be strongly consistent: no index and no cache.
 * - [LAW-LOGICAL-EXPIRY] A row whose `expires` has passed MUST be returned for as long as it exists. The caller judges
 *   expiry, because a TTL deletes late and in no order. A row MUST NOT be deleted earlier than 48 hours after
 *   `expires`.
 * - [LAW-SLOT-PUT] A repeat that the implementation makes after a lost answer MUST return what a first success returns.
 *   Each conditional write carries a mark of its writer (`publishId`, `ref`, …): a failed condition that shows the
 *   writer's own mark is a success.
 * - [LAW-DEADLINE] Every request MUST have a deadline.
 * - An operation that fails MUST reject with a `StoreError`, and with nothing else.
 */
export interface Store
  extends LogStore,
    ConnectionStore,
    SubscriptionStore,
    SubscriberStore,
    IdempotencyStore,
    PresenceStore,
    LeaseStore,
    RateStore,
    UploadStore,
    PrincipalStore,
    StreamStore {
  /** Names the implementation in logs, such as `dynamodb`. */
  readonly kind: string
}

/**
 * Why a store refuses a request for its content, so that no repeat can succeed: an item, a key or a request is larger
 * than the table accepts, or it is invalid for another reason. `no-table`: the table does not exist.
 */
export type StoreRefusal = 'too-large' | 'invalid' | 'no-table'

/** A store operation that failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly operation: keyof Store | keyof ErasureStore
  /** False only when the write surely did not happen. */
  readonly mayHaveHappened: boolean
  /** Set when the store was reached and refused the request: for its content, or because its table does not exist. */
  readonly refused: StoreRefusal | undefined
  constructor(
    operation: keyof Store | keyof ErasureStore,
    mayHaveHappened: boolean,
    { cause, refused }: { readonly cause: unknown; readonly refused?: StoreRefusal | undefined },
  ) {
    const why =
      refused === undefined || refused === 'no-table'
        ? ''
        : ` The store refused its content: ${String((cause as Error)?.message ?? cause)}`
    const fate = mayHaveHappened ? ' The write may have happened.' : ''
    super(`The store operation ${operation} failed.${fate}${why}`, { cause })
    this.refused = refused
    this.operation = operation
    this.mayHaveHappened = mayHaveHappened
  }
}
