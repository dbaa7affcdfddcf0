/** Who delivers a shard's events of one topic at the moment, and how far that has come: one function at a time, so that what comes meanwhile goes together. */
export interface ShardLeaseRow {
  readonly topic: string
  readonly shard: number
  /** Names the write, by chance: every other write says which it means to follow. */
  readonly version: string
  /** Of the log's events that `from` and `through` count. */
  readonly epoch: string
  /** The first of the offsets up to `through`, without a hole, that were delivered or are being delivered. */
  readonly from: number
  readonly through: number
  /** Who is at it; absent: everything up to `through` was delivered. */
  readonly holder?: ShardLeaseHolder
  /** The lowest offset that was asked for beside those. */
  readonly nextOffset?: number
  /** Epoch seconds. */
  readonly expires: number
}

/** A function whose turn it is. */
export interface ShardLeaseHolder {
  /** Names its job: the same when the platform repeats it. */
  readonly jobId: string
  /** Names this taking of the turn, by chance: a job may be run twice at a time, and takes one turn after the other. */
  readonly leaseId: string
  /** Epoch milliseconds: from then on it counts as dead. */
  readonly expiresAt: number
  /** Where it began: from there on nothing is sure to be delivered while it is at it. */
  readonly start: number
}
