import type { ShardLeaseRow } from './leases.ts'
import type { PresenceRow, PresenceSeat, PresenceView } from './presence.ts'

/** One entry of a topic's log. Immutable once put, except that `expires` moves and `data` may be erased. */
export interface Slot {
  /** Dense from 1. */
  readonly offset: number
  /** Names the unbroken history this slot belongs to, without the deployment's restore number. */
  readonly epoch: string
  /** The writer's own name for this event: a failed put that meets its own id had succeeded. */
  readonly publishId: string
  /** Epoch milliseconds. Reads judge age by this, never by `expires`. */
  readonly time: number
  /** Epoch seconds: the TTL attribute. The row may stand for days after it. */
  readonly expires: number
  /** The event as JSON text; absent in a slot that only gives birth to an epoch, and in one whose event was erased. */
  readonly data?: string
  /** Names the schema that made `data`; absent in what a script or an older version has put. */
  readonly schema?: string
  /** Epoch milliseconds at which the event was erased. */
  readonly erased?: number
  /** Epoch milliseconds until which the publisher means to deliver this itself. */
  readonly inline?: number
}

/** A socket, as `$connect` found it. Times in epoch milliseconds, `expires` in epoch seconds. */
export interface ConnectionRow {
  readonly connectionId: string
  readonly state: 'OPEN' | 'CLOSED'
  readonly session: string
  /** Null for an anonymous caller. */
  readonly principal: string | null
  /** JSON text of the claims; absent for an anonymous caller. */
  readonly claims?: string
  readonly authExp?: number
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The client announced connection parameters; `connectionParams` is absent until they came. */
  readonly expectsParams?: boolean
  /** JSON text of `Record<string, string> | null`. */
  readonly connectionParams?: string
  readonly expires: number
}

/** A connection's own row of a subscription: the authority on whether it lives [LAW-CONNECTION-ROW]. */
export interface ConnectionSubscription {
  readonly connectionId: string
  /** JSON text of the frame's id, so that `1` and `"1"` differ. */
  readonly id: string
  /** Rises with each attempt. */
  readonly ref: number
  readonly on: boolean
  /** Absent when a stop came before any start. */
  readonly topic?: string
  readonly shard?: number
  /** The run of a worker that holds this: a generator's, or a long call's. */
  readonly run?: string
  /** Epoch milliseconds until which the run may be alive without saying so again. */
  readonly lease?: number
  /** Where this subscription makes its session present. */
  readonly seat?: PresenceSeat
  readonly expires: number
}

/** What a piped (`filter`, `map`) subscription needs to run its procedure again at delivery. */
export interface PipedContext {
  readonly session: string
  readonly principal: string | null
  readonly claims?: string
  readonly connectionParams?: string
}

/** Who posts to a stock client's subscription [LAW-STOCK-ORDER]. */
export interface ChainLock {
  /** Names the holder. */
  readonly by: string
  /** Epoch milliseconds. A lock past this is a dead holder's, and nobody knows how far it came. */
  readonly until: number
}

/** A topic's row of a subscription: whom to post to. */
export interface Subscriber {
  readonly topic: string
  readonly shard: number
  readonly connectionId: string
  /** JSON text of the frame's id. */
  readonly id: string
  readonly ref: number
  readonly on: boolean
  /** Empty in the tombstone of a stop. */
  readonly path: string
  /** JSON text of the procedure's raw input, beside `piped`; absent for none. Rows of the version before have it without `piped` too, where nothing reads it. */
  readonly input?: string
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  readonly piped?: PipedContext
  /** Of a subscription to presence: what it is shown of the log, and where it makes its session present. */
  readonly presence?: { readonly view: PresenceView; readonly seat?: PresenceSeat }
  /** Epoch milliseconds; absent when the authority does not expire. */
  readonly authExp?: number
  /** Of a stock client's subscription to a log, as all that follows: the cursor up to which it was posted; absent until its subscribe has come to its end. */
  readonly at?: string
  readonly lock?: ChainLock
  /** The highest offset that somebody wanted posted while the lock was held. */
  readonly want?: number
  /** Epoch seconds. */
  readonly expires: number
}

/** Names a topic's row of a subscription, in one of its attempts. */
export type SubscriberRef = Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'>

/** What stands under a key: that a mutation runs, what it came to, and where its publishes began [LAW-PUBLISH-ONCE] [LAW-ONE-EFFECT]. */
export interface KeyRow {
  /** RuntimeContext and key, as the caller joined them. */
  readonly key: string
  /** `PUBLISH`: no call's, only a publish's own key. */
  readonly state: 'RUNNING' | 'DONE' | 'UNKNOWN' | 'PUBLISH'
  /** Names the attempt that holds the claim. Empty for `PUBLISH`. */
  readonly owner: string
  /** Epoch milliseconds until which the owner may still be running. 0 for `PUBLISH`. */
  readonly lease: number
  /** Tells another path or input apart. Empty for `PUBLISH`. */
  readonly fingerprint: string
  /** By publish id: the head that was seen before its first put. */
  readonly bases: Readonly<Record<string, number>>
  /** JSON text of the answer, once DONE. */
  readonly outcome?: string
  /** Epoch seconds. */
  readonly expires: number
}

/** A message that comes in chunks, as far as it has come. Named by its sender, for one connection. */
export interface UploadRow {
  readonly connectionId: string
  readonly message: string
  /** The parts that it has, and their bytes together, as the first of them declared. */
  readonly of: number
  readonly bytes: number
  /** How many of its parts were noted. */
  readonly noted: number
  /** Names the invocation that runs it. */
  readonly owner?: string
  /** Epoch seconds. */
  readonly expires: number
}

/** What a sync must know of one subscription: its row, and the slots at its position and after it. */
export interface SyncState {
  readonly subscriber?: Subscriber
  readonly at?: Slot
  readonly after?: Slot
}

/** What one request returned. `more`: it stopped at its limit, so there may be slots beyond the last one (or none: the last one may have been the last there is). */
export interface SlotPage {
  readonly slots: readonly Slot[]
  readonly more: boolean
}

export type PutSlotOutcome =
  | { readonly status: 'put' }
  /** The slot is another's, or one's own of an earlier try: compare `publishId`. */
  | { readonly status: 'taken'; readonly slot: Slot }

/**
 * The line's memory: single-item conditional writes and strongly consistent reads, nothing else. What is done with them stands in `run`.
 *
 * - Every operation MUST be linearizable per row, and atomic: it happened whole or not at all, also when it throws. After a throw the caller does not know which.
 * - Every read MUST be strongly consistent. No index, no cache.
 * - Rows whose `expires` has passed MUST still be returned while they stand: expiry is judged by the caller (TTL deletes late and in no order).
 * - A lost answer followed by the implementation's own retry MUST be indistinguishable from a first success: conditional writes carry the writer's mark (`publishId`, `ref`, …) and compare it.
 * - Every request MUST have a deadline. Implementations throw `StoreError`, nothing else.
 */
export interface Store {
  readonly kind: string

  // the log of a topic ------------------------------------------------------

  /** Puts `slot` where none stands. On a conflict returns the slot that stands there, also when that is one's own. */
  putSlot(topic: string, slot: Slot): Promise<PutSlotOutcome>
  /** Slots with an offset above `after`, ascending, at most `limit` and at most what one request returns; holes are not hidden. Without `more`, no slot stood beyond the last one at that moment. */
  readSlots(topic: string, after: number, limit: number): Promise<SlotPage>
  /** Slots with an offset below `before` (all when undefined), descending, at most `limit` and at most what one request returns. */
  readSlotsBefore(topic: string, before: number | undefined, limit: number): Promise<SlotPage>
  /** Sets `expires` of a slot that stands. */
  extendSlot(topic: string, offset: number, expires: number): Promise<'extended' | 'absent'>
  /**
   * Removes `data` of a slot that holds some, or held some until it was erased, and sets `erased`. Every other member
   * stays. `absent` for no slot, and for one that never held an event.
   */
  eraseSlot(topic: string, offset: number, erased: number): Promise<'erased' | 'absent'>

  // connections -------------------------------------------------------------

  /** Puts the row only if none stands (an early `$disconnect` wins). An open row of the same session is one's own: `put`. */
  putConnection(row: ConnectionRow): Promise<'put' | 'exists'>
  readConnection(connectionId: string): Promise<ConnectionRow | undefined>
  /** S3. The row, and the topic's K beside it, by one strong batch read. `shards` is only a hint to whoever puts rows: it MAY be absent when the table gave the row alone. */
  readConnectionAndShards(
    connectionId: string,
    topic: string,
  ): Promise<{ readonly connection?: ConnectionRow; readonly shards?: number }>
  /** Sets `state` CLOSED and `expires` whether or not a row stands; final. Creates `{ state: 'CLOSED', expires }` when none stands, with the remaining members empty. */
  closeConnection(connectionId: string, expires: number): Promise<void>
  /** Stores the parameters once: `exists` when some stand already, `absent` when the row does not stand or is CLOSED. Storing equal ones again is `stored`. */
  putConnectionParams(connectionId: string, connectionParams: string): Promise<'stored' | 'exists' | 'absent'>

  // a connection's own rows of subscriptions (the authority) ----------------

  /**
   * S1. Writes `{ ref, on: true, topic, shard, expires, seat }` if no row stands, or one with a lower ref whose topic is absent or the same. An existing shard is kept and returned.
   * `claimed` with `repeated: true` when the row shows exactly this claim already (same ref, on, same topic), save when an own retry after a lost answer may have written it. Otherwise `refused`, with the row that stands.
   */
  claimSubscription(
    claim: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'topic' | 'shard' | 'expires'>> &
      Pick<ConnectionSubscription, 'seat'>,
  ): Promise<
    | { readonly status: 'claimed'; readonly shard: number; readonly repeated: boolean }
    | { readonly status: 'refused'; readonly row: ConnectionSubscription }
  >
  /** U1. Writes `{ ref, on: false, expires }` if no row stands or its ref is not higher; topic and shard stay. Returns the row that now stands; `newer` when its ref was higher. */
  stopSubscription(stop: {
    readonly connectionId: string
    readonly id: string
    readonly ref: number
    readonly expires: number
  }): Promise<{ readonly status: 'stopped' | 'newer'; readonly row: ConnectionSubscription }>
  readSubscription(connectionId: string, id: string): Promise<ConnectionSubscription | undefined>
  /** Claims a row for a run: writes `{ ref, on: true, run, lease, expires }` if no row stands, or one with a lower ref and no topic. `claimed` also when the row shows this run already; else the row that stands. */
  claimRun(
    claim: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease' | 'expires'>>,
  ): Promise<{ readonly status: 'claimed' | 'refused'; readonly row: ConnectionSubscription }>
  /** Passes a claim on, or renews it when `from` is `run`: writes `{ run, lease }` if the row is on, its ref is `ref` and its run is `from`. `passed` also when the row shows `run` already; else the row that stands, if any. */
  passRun(
    pass: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease'>> & {
      readonly from: string
    },
  ): Promise<{ readonly status: 'passed' | 'refused'; readonly row: ConnectionSubscription | undefined }>
  /** All rows of a connection, stopped ones included, in no order that means anything; as many requests as that takes. */
  readSubscriptions(connectionId: string): Promise<readonly ConnectionSubscription[]>

  // a topic's rows of subscriptions (whom to post to) ------------------------

  /** S2. Puts the row if none stands or its ref is lower. `put` also when a row of the same ref with `on: true` stands already, and with the same holder where the row has a lock; `newer` otherwise. */
  putSubscriber(row: Subscriber): Promise<'put' | 'newer'>
  readSubscriber(topic: string, shard: number, connectionId: string, id: string): Promise<Subscriber | undefined>
  /** All of a connection's rows of one shard that are `on`, in no order that means anything; as many requests as that takes. */
  readSubscribersOf(place: Pick<Subscriber, 'topic' | 'shard' | 'connectionId'>): Promise<readonly Subscriber[]>
  /** U2. Writes `{ ref, on: false, expires }` if no row stands or its ref is not higher, and takes `input` and `piped` out of it. */
  stopSubscriber(
    row: Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref' | 'expires'>,
  ): Promise<'stopped' | 'newer'>
  /** Deletes the row if its ref is not higher: a later attempt that died before its row leaves the earlier one's. No row is no error. */
  deleteSubscriber(row: Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'>): Promise<void>
  /** Sets the row's `authExp` (removes it when undefined) if its ref is `ref`. */
  setSubscriberAuthExp(
    row: Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id' | 'ref'> & { readonly authExp: number | undefined },
  ): Promise<void>
  /** Takes a stock subscription's chain if the row is `on` under this ref and nobody holds it. `locked` also when it shows this holder already; `held` with the row by which somebody else does; `off` when there is no such row. */
  lockChain(
    row: SubscriberRef,
    lock: ChainLock,
  ): Promise<{ readonly status: 'locked' | 'held'; readonly row: Subscriber } | { readonly status: 'off' }>
  /** Marks, for whoever holds the chain, that `offset` is wanted: the highest mark stays. `free` when nobody holds it, `off` as above. */
  requestOffset(row: SubscriberRef, offset: number): Promise<'wanted' | 'free' | 'off'>
  /**
   * Gives the chain back if `by` holds it: `at` becomes the cursor (stays when undefined), lock and mark go. With `unless`, only if nothing beyond that offset is wanted: else `wanted`, and it is held on.
   * `freed` also when nobody holds it and `at` is the cursor already; `lost` when somebody else does, or there is no such row.
   */
  freeChain(
    row: SubscriberRef,
    free: { readonly by: string; readonly at: string | undefined; readonly unless?: number },
  ): Promise<'freed' | 'wanted' | 'lost'>
  /**
   * One page of a shard's rows that are `on`, in a stable order, at most `limit` rows (default: what one request returns). `next` continues; absent at the end.
   * Stopped rows count towards the limit though they are left out: a page may be short, or empty, and have a `next`.
   * The first page of shard 0 also brings `shards`, the topic's K (1 when never grown), read by the same request.
   */
  readSubscribers(
    topic: string,
    shard: number,
    options?: { readonly limit?: number; readonly from?: string },
  ): Promise<{ readonly subscribers: readonly Subscriber[]; readonly next?: string; readonly shards?: number }>
  /** Sets K to `to` if it is `from` (1 when never grown). K only grows. */
  growShards(topic: string, from: number, to: number): Promise<void>

  /** The rows and slots that a sync asks for, by strong batch reads of at most 100 rows, in the order asked. */
  readSyncStates(
    asked: readonly (Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id'> & { readonly offset: number })[],
  ): Promise<readonly SyncState[]>

  /** Renews the authority of an OPEN connection: `authExp` and `claims` become these. `absent` when no row stands or it is CLOSED. */
  renewConnection(
    connectionId: string,
    authority: { readonly authExp: number; readonly claims: string },
  ): Promise<'renewed' | 'absent'>

  // keys -------------------------------------------------------------------

  /** Claims a key that nobody has: puts it RUNNING. `claimed` also when the row shows exactly this owner RUNNING already; else the row that stands. */
  claimKey(
    claim: Pick<KeyRow, 'key' | 'owner' | 'lease' | 'fingerprint' | 'expires'>,
  ): Promise<{ readonly status: 'claimed' | 'standing'; readonly row: KeyRow }>
  /** Takes a claim over: `owner` and `lease` become the new ones if the row is RUNNING under exactly `from`. Bases stay. `taken` also when it shows the new owner already. */
  takeKey(
    take: Pick<KeyRow, 'key' | 'owner' | 'lease'> & { readonly from: Pick<KeyRow, 'owner' | 'lease'> },
  ): Promise<{ readonly status: 'taken' | 'standing'; readonly row: KeyRow }>
  /** Settles a key if it is RUNNING under `owner`: DONE with its outcome, or UNKNOWN. `settled` also when it shows exactly this already; else the row that stands. Throws when no row stands. */
  settleKey(
    settle: Pick<KeyRow, 'key' | 'owner'> &
      ({ readonly state: 'DONE'; readonly outcome: string } | { readonly state: 'UNKNOWN' }),
  ): Promise<{ readonly status: 'settled' | 'standing'; readonly row: KeyRow }>
  /** Records where a publish began, once, and returns what stands. With an owner only while the key is RUNNING under it, else `lost`; without one the row is made as `PUBLISH` where none stands. */
  recordBase(record: {
    readonly key: string
    readonly owner?: string
    readonly publishId: string
    readonly base: number
    /** Of a row that is made. */
    readonly expires: number
  }): Promise<{ readonly status: 'recorded'; readonly base: number } | { readonly status: 'lost' }>
  readKey(key: string): Promise<KeyRow | undefined>

  // messages in chunks ------------------------------------------------------

  /** Puts a part's text if none stands at its place. `put` also when exactly this text stands there already. */
  putPart(part: {
    readonly connectionId: string
    readonly message: string
    readonly part: number
    readonly text: string
    readonly expires: number
  }): Promise<'put' | 'differs'>
  /** Notes that a part stands, in the row of its message, which the first one makes: `of`, `bytes` and `expires` are that one's. `refused` when it declares another count or other bytes. Noting one again changes nothing. */
  notePart(
    note: Pick<UploadRow, 'connectionId' | 'message' | 'of' | 'bytes' | 'expires'> & { readonly part: number },
  ): Promise<{ readonly status: 'noted' | 'refused'; readonly row: UploadRow }>
  /** Claims a message that nobody has, if its row stands. `claimed` also when the row shows exactly this owner already. */
  claimUpload(claim: Required<Pick<UploadRow, 'connectionId' | 'message' | 'owner'>>): Promise<'claimed' | 'taken'>
  /** The texts of parts 0 … `of` − 1, by strong batch reads; undefined where none stands. */
  readParts(connectionId: string, message: string, of: number): Promise<readonly (string | undefined)[]>

  // who is here ------------------------------------------------------------

  /** Puts a member's row whole: where none stands, or over the one whose `mark` is `over`. `put` also when the row shows its own mark already; else what stands, if anything does. */
  putPresence(
    row: PresenceRow,
    over: string | undefined,
  ): Promise<{ readonly status: 'put' } | { readonly status: 'standing'; readonly row: PresenceRow | undefined }>
  /** Deletes a member's row if its `mark` is this. `deleted` also when none stands; else what stands. */
  deletePresence(
    row: Pick<PresenceRow, 'topic' | 'member' | 'mark'>,
  ): Promise<{ readonly status: 'deleted' } | { readonly status: 'standing'; readonly row: PresenceRow }>
  readPresence(topic: string, member: string): Promise<PresenceRow | undefined>
  /** One page of a topic's members in a stable order, at most `limit` rows (default: what one request returns). `next` continues; absent at the end. */
  readPresences(
    topic: string,
    options?: { readonly limit?: number; readonly from?: string },
  ): Promise<{ readonly rows: readonly PresenceRow[]; readonly next?: string }>
  /** When a topic's leases are to be looked through next, in epoch milliseconds; 0 when nobody ever did. */
  readSweep(topic: string): Promise<number>
  /** Sets that instant to `to` if it is `from`. */
  moveSweep(
    topic: string,
    move: { readonly from: number; readonly to: number; readonly expires: number },
  ): Promise<'moved' | 'standing'>

  // turns of deliveries --------------------------------------------------------

  readShardLease(topic: string, shard: number): Promise<ShardLeaseRow | undefined>
  /** Puts a shard's turn whole: where none stands, or over the one whose `mark` is `over`. `put` also when the row shows its own mark already; else what stands, if anything does. */
  putShardLease(
    row: ShardLeaseRow,
    over: string | undefined,
  ): Promise<{ readonly status: 'put' } | { readonly status: 'standing'; readonly row: ShardLeaseRow | undefined }>

  // receipts of inline deliveries --------------------------------------------

  putReceipt(topic: string, offset: number, expires: number): Promise<void>
  /** Which of these were receipted, in the order asked. At most 100. */
  hasReceipts(events: readonly { readonly topic: string; readonly offset: number }[]): Promise<readonly boolean[]>
}

/** Why a store refuses a request for its content, so that no other try can succeed: an item, a key or a request is larger than the table takes, or is invalid for another reason. */
export type StoreRefusal = 'too-large' | 'invalid'

/** A store that could not do what was asked. `mayHaveHappened` is false only when the write surely was not done. `refused` is set where the store was reached and refused the request for its content. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly operation: keyof Store
  readonly mayHaveHappened: boolean
  readonly refused: StoreRefusal | undefined
  constructor(
    operation: keyof Store,
    mayHaveHappened: boolean,
    { cause, refused }: { readonly cause: unknown; readonly refused?: StoreRefusal | undefined },
  ) {
    const why =
      refused === undefined ? '' : ` The store refused its content: ${String((cause as Error)?.message ?? cause)}`
    super(`The store could not do ${operation}${mayHaveHappened ? '; it may have happened all the same' : ''}.${why}`, {
      cause,
    })
    this.refused = refused
    this.operation = operation
    this.mayHaveHappened = mayHaveHappened
  }
}
