/**
 * The port of leases on shared work: who delivers a shard's events, who sweeps a topic's presence next, and which runs
 * of a caller go on.
 *
 * - At most one holder: a write succeeds only over the state that its caller read, so of several concurrent writers one
 *   succeeds and the others get what exists.
 * - A lease ends by its time. The store does not judge that: callers compare `expiresAt` with their clock.
 * - A lease of a shard or of a sweep saves work. Two holders at one time cost a second delivery, which the receiver drops [LAW-RECEIVER-ORDERS].
 * - The places of an owner's runs are one row, which every writer changes by itself alone. An owner never gets more
 *   than `max` places, however many writers race for the last one.
 */
export interface LeaseStore {
  /** Reads a shard's lease; undefined if none exists. One strongly consistent read. */
  readShardLease(topic: string, shard: number): Promise<ShardLeaseRow | undefined>

  /**
   * Puts a shard's whole lease: if none exists when `over` is undefined, else over the row whose `version` is `over`.
   * Returns `put` also if the row has its own `version` already. Returns `conflict` with the row that exists otherwise,
   * or without one if none does. One conditional write.
   */
  putShardLease(
    row: ShardLeaseRow,
    over: string | undefined,
  ): Promise<{ readonly status: 'put' } | { readonly status: 'conflict'; readonly row: ShardLeaseRow | undefined }>

  /**
   * Reads when the sessions of a presence topic are next checked for leases that ended, in epoch milliseconds; 0 if no
   * sweep was ever planned. One strongly consistent read.
   */
  readSweep(topic: string): Promise<number>

  /**
   * Sets that time to `to` if it is `from` (0 if no sweep was ever planned). `expires` is in epoch seconds.
   * Returns `conflict`, and changes nothing, otherwise. One conditional write.
   */
  moveSweep(
    topic: string,
    move: { readonly from: number; readonly to: number; readonly expires: number },
  ): Promise<'moved' | 'conflict'>

  /**
   * Takes a place for a run among the places of `owner`, and removes the places `over`, which the caller judges to be
   * dead. Writes only if every place in `over` still has the lease that is given, the owner has no place of this run
   * except in `over`, and fewer than `max` places stay. Returns `taken` also if an own try whose answer was lost wrote
   * it, else `refused` with the places that exist, by the names of their runs. One conditional write.
   */
  takeRunPlace(
    take: RunPlace & RunPlaceLease & { readonly max: number; readonly over: readonly RunPlaceLease[] },
  ): Promise<{ readonly status: 'taken' } | { readonly status: 'refused'; readonly places: readonly RunPlaceLease[] }>

  /** Sets the lease of a place, and when the row expires, if the place exists. One conditional write. */
  renewRunPlace(renewed: RunPlace & RunPlaceLease): Promise<'renewed' | 'absent'>

  /** Removes a place; changes nothing if it does not exist. One conditional write. */
  releaseRunPlace(place: Pick<RunPlace, 'owner' | 'run'>): Promise<void>
}

/** A place among the runs of one owner. */
export interface RunPlace {
  /** Names the caller that the runs count for. */
  readonly owner: string
  /** Names the run: of a repeated request it is the same. */
  readonly run: string
  /** When the owner's row expires, in epoch seconds. */
  readonly expires: number
}

/** The lease of a place. */
export interface RunPlaceLease {
  readonly run: string
  /** Epoch milliseconds. From then on the run counts as dead. */
  readonly lease: number
}

/**
 * The function that delivers a shard's events of one topic, and the offsets that it has reached. One function delivers
 * at a time, so that events that are appended meanwhile are sent in one batch.
 */
export interface ShardLeaseRow {
  readonly topic: string
  readonly shard: number
  /** A random name of the write. Every other write states which one it replaces. */
  readonly version: string
  /** The epoch of the log that `from` and `through` belong to. */
  readonly epoch: string
  /** The offsets `from` to `through`, without a hole, were delivered or are being delivered. */
  readonly from: number
  readonly through: number
  /** The function that delivers. Absent when everything up to `through` was delivered. */
  readonly holder?: ShardLeaseHolder
  /** The lowest offset that other jobs asked for meanwhile. The holder continues there. */
  readonly nextOffset?: number
  /** Epoch seconds. */
  readonly expires: number
}

/** A function that holds a shard's lease. */
export interface ShardLeaseHolder {
  /** Names the holder's job. It stays the same when the platform repeats the job. */
  readonly jobId: string
  /** A random name of this lease: two runs of one job hold two different leases. */
  readonly leaseId: string
  /** Epoch milliseconds. From then on the holder counts as dead. */
  readonly expiresAt: number
  /** The offset where the holder began. While it holds the lease, events from there on may be undelivered. */
  readonly start: number
}
