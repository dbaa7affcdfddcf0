/**
 * The port of leases on shared work: who delivers a shard's events, and who sweeps a topic's presence next.
 *
 * - At most one holder: a write succeeds only over the state that its caller read, so of several concurrent writers one
 *   succeeds and the others get what exists.
 * - A lease ends by its time. The store does not judge that: callers compare `expiresAt` with their clock.
 * - A lease saves work. Two holders at one time cost a second delivery, which the receiver drops [LAW-RECEIVER-ORDERS].
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
}

/**
 * Who delivers a shard's events of one topic, and how far the delivery has come. One function delivers at a time, so
 * that events that are appended meanwhile leave in one batch.
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
  /** The offset where the holder began. From there on, nothing is surely delivered while it holds the lease. */
  readonly start: number
}
