import type { Slot } from './log.ts'
import type { PresenceSessionKey, PresenceView } from './presence.ts'
import type { Subscriber } from './subscribers.ts'

/**
 * The port of the connections' own rows of subscriptions, of runs that hold such a row, and of what a sync reads.
 *
 * - [LAW-CONNECTION-ROW] This row decides whether a subscription is on. A claim or a stop changes a row only if the row
 *   is absent or of a lower `ref` (a stop: not of a higher one). A stopped `ref` MUST NOT be claimed again. No
 *   operation deletes a row: it expires.
 * - A row keeps its first topic and its first shard. One id is never on in two shards.
 * - A run is named by `run`. At most one run holds a row, and a run that was passed on MUST NOT renew it.
 * - [LAW-SYNC-HEADS] A sync reads the topic's row and the slots at and after the client's position by strongly
 *   consistent reads, so that it can repair a lost registration and find a gap.
 */
export interface SubscriptionStore {
  /**
   * Step S1 of a subscribe. Writes `{ ref, on: true, topic, shard, expires, seat, claims, polled }` if none exists, or one with a
   * lower ref whose topic is absent or the same. A shard that the row has already is kept. Returns `claimed` with the
   * row's shard. `repeated` is true if the row showed this very claim already (the same ref, on, the same topic); it is
   * false if that may be an own try whose answer was lost. `wasLive` is true if the row was on and had a topic before; it
   * is false if that may be an own try. Returns `refused` with the row that exists otherwise. One conditional write.
   */
  claimSubscription(
    claim: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'topic' | 'shard' | 'expires'>> &
      Pick<ConnectionSubscription, 'seat' | 'claims' | 'polled'>,
  ): Promise<
    | { readonly status: 'claimed'; readonly shard: number; readonly repeated: boolean; readonly wasLive: boolean }
    | { readonly status: 'refused'; readonly row: ConnectionSubscription }
  >

  /**
   * Step U1 of a stop. Writes `{ ref, on: false, expires }` if no row exists or its ref is not higher, and removes
   * `polled`. Topic and shard stay. Returns the row that then exists: `stopped`, or `newer` when its ref was higher and
   * nothing changed. `wasLive` is true if the row was on and had a topic before; of several stops it is true for at most
   * one. With `ifExists`, a row that does not exist is not created: then it returns `absent`. One conditional write, and
   * one read for a row that does not exist.
   */
  stopSubscription(
    stop: Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'expires'> & { readonly ifExists?: boolean },
  ): Promise<
    | { readonly status: 'stopped'; readonly row: ConnectionSubscription; readonly wasLive: boolean }
    | { readonly status: 'newer'; readonly row: ConnectionSubscription }
    | { readonly status: 'absent' }
  >

  /** Reads the row; undefined if none exists. One strongly consistent read. */
  readSubscription(connectionId: string, id: string): Promise<ConnectionSubscription | undefined>

  /**
   * Reads all rows of a connection, stopped ones included, in any order. As many strongly consistent reads as that
   * takes: a row that is written meanwhile may be missing.
   */
  readSubscriptions(connectionId: string): Promise<readonly ConnectionSubscription[]>

  /**
   * Claims a row for a run: writes `{ ref, on: true, run, lease, expires }` if no row exists, or one with a lower ref
   * and no topic. Returns `claimed` also if the row shows this run already, `refused` otherwise, with the row that then
   * exists. One conditional write.
   */
  claimRun(
    claim: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease' | 'expires'>>,
  ): Promise<{ readonly status: 'claimed' | 'refused'; readonly row: ConnectionSubscription }>

  /**
   * Passes a claim on to another run, or renews it when `from` equals `run`: writes `{ run, lease }` if the row is on,
   * its ref is `ref` and its run is `from`. Returns `passed` also if the row shows `run` already, `refused` otherwise,
   * with the row that then exists, if any. One conditional write.
   */
  passRun(
    pass: Required<Pick<ConnectionSubscription, 'connectionId' | 'id' | 'ref' | 'run' | 'lease'>> & {
      readonly from: string
    },
  ): Promise<{ readonly status: 'passed' | 'refused'; readonly row: ConnectionSubscription | undefined }>

  /**
   * Reads for each subscription its topic's row, the slot at `offset` and the slot after it, in the order asked.
   * Strongly consistent batch reads of at most 100 rows; a row that several of them need is read once. `needs` may leave
   * out a part.
   */
  readSyncStates(asked: readonly SyncQuestion[]): Promise<readonly SyncState[]>
}

/** A connection's own row of a subscription: it decides whether the subscription is on [LAW-CONNECTION-ROW]. */
export interface ConnectionSubscription {
  readonly connectionId: string
  /** JSON text of the frame's id, so that `1` and `"1"` differ. */
  readonly id: string
  /** Rises with each attempt. */
  readonly ref: number
  readonly on: boolean
  /** Absent when a stop came before any subscribe. */
  readonly topic?: string
  readonly shard?: number
  /** The run of a worker that holds this row: a generator's, or a long call's. */
  readonly run?: string
  /** Epoch milliseconds until which the run counts as alive without a renewal. */
  readonly lease?: number
  /** The presence session that this subscription makes present. */
  readonly seat?: PresenceSessionKey
  /** The topic's row of this subscription holds claims. */
  readonly claims?: true
  /** Of a connection over HTTP, whose subscriptions have no row under their topic: what that row would hold. */
  readonly polled?: PolledSubscription
  /** Epoch seconds. */
  readonly expires: number
}

/** What a poll needs to answer for a subscription. */
export interface PolledSubscription extends Pick<Subscriber, 'path' | 'input' | 'part'> {
  /** The procedure has a `filter` or a `map`: a poll runs it again. */
  readonly piped?: true
  /** Only of a subscription to presence: the view of the log that it gets. */
  readonly view?: PresenceView
}

/** What a sync asks of one subscription. */
export interface SyncQuestion extends Pick<Subscriber, 'topic' | 'shard' | 'connectionId' | 'id'> {
  readonly offset: number
  /**
   * `slots`: the topic's row is not needed. `after`: only the slot after `offset` is needed. What is not needed costs
   * no read, and is absent.
   * @default 'all'
   */
  readonly needs?: 'all' | 'slots' | 'after'
}

/** What a sync reads of one subscription: its topic's row, and the slots at its position and after it. */
export interface SyncState {
  readonly subscriber?: Subscriber
  readonly at?: Slot
  readonly after?: Slot
}
