import type { PresenceSessionKey, PresenceView } from './presence.ts'

/**
 * The port of the topics' rows of subscriptions, by which a delivery finds its recipients, and of each topic's shards.
 *
 * - [LAW-REGISTER-THEN-READ] Pages MUST be strongly consistent reads of the rows themselves: no index, no cache. A row
 *   that was put before the first page was read is in one of the pages.
 * - [LAW-CONNECTION-ROW] A put replaces only a row of a lower `ref`. A stop and a delete change only a row whose `ref`
 *   is not higher. A stopped row MUST stay, so that a late put of the same `ref` is `newer`.
 * - [LAW-STOCK-ORDER] A stock client's row has a lock. At most one function holds it, and only the holder posts to that
 *   client. A lock does not expire by itself: a function that finds it overdue closes the connection.
 * - The number of shards only grows. The page of shard 0 returns it, so that a delivery needs no request for it.
 */
export interface SubscriberStore {
  /**
   * Step S2 of a subscribe. Puts the row if none exists or if its ref is lower.
   * Returns `put` also if a row of the same ref exists, is on and, where `row` has a lock, has the same holder. Returns
   * `newer` otherwise, and changes nothing. One conditional write.
   */
  putSubscriber(row: Subscriber): Promise<'put' | 'newer'>

  /** Reads the row; undefined if none exists. One strongly consistent read. */
  readSubscriber(row: Omit<SubscriberRef, 'ref'>): Promise<Subscriber | undefined>

  /**
   * Reads all rows of one connection in one shard that are on, in any order. As many strongly consistent reads as that
   * takes.
   */
  readSubscribersOf(place: Pick<Subscriber, 'topic' | 'shard' | 'connectionId'>): Promise<readonly Subscriber[]>

  /**
   * Step U2 of a stop. Writes `{ ref, on: false, expires }` if no row exists or its ref is not higher, and removes
   * `input` and `piped`. A row that is created has the path '' and `extensions` false.
   * Returns `newer`, and changes nothing, if the row's ref is higher. One conditional write.
   */
  stopSubscriber(row: SubscriberRef & Pick<Subscriber, 'expires'>): Promise<'stopped' | 'newer'>

  /**
   * Deletes the row if its ref is not higher: an attempt that failed before its own put removes what an earlier attempt
   * left. Does nothing if no row exists. One conditional write.
   */
  deleteSubscriber(row: SubscriberRef): Promise<void>

  /**
   * Raises `authExp` (epoch milliseconds) of the row, if its ref is exactly `ref` and it has a lower `authExp`. Does
   * nothing otherwise. One conditional write.
   */
  setSubscriberAuthExp(row: SubscriberRef & { readonly authExp: number }): Promise<void>

  /**
   * Sets `piped.claims` (JSON text) and `piped.renewedAt` of the row, if its ref is exactly `ref`, it has `piped`, and
   * its `piped.renewedAt` is absent or lower. Does nothing otherwise. One conditional write.
   */
  setSubscriberClaims(row: SubscriberRef & Required<Pick<PipedContext, 'claims' | 'renewedAt'>>): Promise<void>

  /**
   * Acquires the lock of a stock client's subscription, if the row is on under this ref and has no lock. Returns the
   * row with `locked`, also if this holder has the lock already; with `held` if another has it. Returns `off` if no
   * such row exists. One conditional write.
   */
  acquireDeliveryLock(
    row: SubscriberRef,
    lock: DeliveryLock,
  ): Promise<{ readonly status: 'locked' | 'held'; readonly row: Subscriber } | { readonly status: 'off' }>

  /**
   * Asks the holder of the lock to deliver up to `offset`: `want` becomes the highest offset that was asked for.
   * Returns `requested` if the lock is held, `free` if it is not, and `off` if no row is on under this ref. Changes
   * nothing but `want`. One conditional write.
   */
  requestOffset(row: SubscriberRef, offset: number): Promise<'requested' | 'free' | 'off'>

  /**
   * Releases the lock if `by` holds it: `at` becomes the cursor (stays when undefined), `lock` and `want` are removed.
   * With `unless`, the lock is released only if no offset above `unless` was requested: otherwise `requested`, and it
   * stays. Returns `freed` also if the row has no lock and `at` is the cursor already. Returns `lost` if another holds
   * the lock, or no row of this ref exists. One conditional write.
   */
  releaseDeliveryLock(
    row: SubscriberRef,
    free: { readonly by: string; readonly at: string | undefined; readonly unless?: number },
  ): Promise<'freed' | 'requested' | 'lost'>

  /**
   * Reads one page of a shard's rows that are on, in a stable order. `limit` is the highest number of rows (1 or more).
   * `from` is the `next` of the page before. Stopped rows count towards the limit though they are left out: a page may
   * be short, or empty, and have a `next`. `next` is absent at the end. The first page of shard 0 also returns
   * `shards`, the number of the topic's shards (1 when it never grew). One strongly consistent read.
   * @default limit is what one request returns
   */
  readSubscribers(
    topic: string,
    shard: number,
    options?: { readonly limit?: number; readonly from?: string },
  ): Promise<{ readonly subscribers: readonly Subscriber[]; readonly next?: string; readonly shards?: number }>

  /**
   * Sets the number of the topic's shards to `to` if it is `from` (1 when it never grew) and `to` is higher. Does
   * nothing otherwise. One conditional write.
   */
  growShards(topic: string, from: number, to: number): Promise<void>
}

/** A topic's row of a subscription: a recipient of the topic's events. */
export interface Subscriber {
  readonly topic: string
  readonly shard: number
  readonly connectionId: string
  /** JSON text of the frame's id. */
  readonly id: string
  readonly ref: number
  readonly on: boolean
  /** The procedure's path. Empty in the row that a stop created. */
  readonly path: string
  /** The partition that it follows: `2/4` for a client that merges 4, `2` for one that the procedure chose. */
  readonly part?: string
  /**
   * JSON text of the procedure's raw input. Present only with `piped`, and absent if the procedure was called without
   * input. Rows of the version before have it without `piped`, where no code reads it.
   */
  readonly input?: string
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  readonly piped?: PipedContext
  /** Only of a subscription to presence: the view of the log that it gets, and the session that it makes present. */
  readonly presence?: { readonly view: PresenceView; readonly seat?: PresenceSessionKey }
  /** Epoch milliseconds. Absent when the authority does not expire. */
  readonly authExp?: number
  /**
   * Only of a stock client's subscription to a log: the cursor up to which events were posted. Absent until its
   * subscribe has ended.
   */
  readonly at?: string
  /** Only of a stock client's subscription to a log: the function that posts to it now. */
  readonly lock?: DeliveryLock
  /** Only of a stock client's subscription to a log: the highest offset that was requested while the lock was held. */
  readonly want?: number
  /** Epoch seconds. */
  readonly expires: number
}

/** Names a topic's row of a subscription, in one of its attempts. */
export type SubscriberRef = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'>

/** The lock of a stock client's subscription: its holder is the only one that posts to it [LAW-STOCK-ORDER]. */
export interface DeliveryLock {
  /** Names the holder. */
  readonly by: string
  /** Epoch milliseconds. After this the holder counts as dead, and how far it came is unknown. */
  readonly until: number
}

/**
 * What a subscription with `filter` or `map` needs to run its procedure again at delivery, and one of a channel with
 * `recheck` to ask its `authorize` again.
 */
export interface PipedContext {
  /** The session's public id. */
  readonly sessionId?: string
  /** The secret session id, in rows of the version before that have no `sessionId`. */
  readonly session?: string
  readonly principal: string | null
  /** JSON text. */
  readonly claims?: string
  /** When the `auth` that brought `claims` was accepted, in epoch milliseconds. Absent for those of the subscribe. */
  readonly renewedAt?: number
  /** The subscription has neither `filter` nor `map`: this is for the `authorize` of its channel alone. */
  readonly rechecked?: 'only'
  /** The connection announced parameters. Its row has them. */
  readonly hasParams?: true
  /** JSON text of the connection's parameters, in rows of the version before. */
  readonly connectionParams?: string
}
