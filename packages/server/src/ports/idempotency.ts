/**
 * The port of idempotency keys: which attempt of a keyed mutation runs, its outcome, and where its publishes began.
 *
 * - [LAW-ONE-EFFECT] A key is claimed by one owner at a time. Only the owner settles it, and it is settled once: no
 *   operation of this port changes a row that is DONE or UNKNOWN. An erasure makes a DONE row UNKNOWN.
 * - [LAW-PUBLISH-ONCE] The base of a publish is recorded once. Every later attempt MUST get the base that was recorded
 *   first.
 * - The store does not judge leases: a claim whose `lease` or `expires` has passed stays until a caller takes it over.
 */
export interface IdempotencyStore {
  /**
   * Claims a key: puts it RUNNING with no bases if no row exists.
   * Returns `claimed` also if the row is RUNNING under exactly this owner. Returns `conflict` with the row that exists
   * otherwise. One conditional write.
   */
  claimKey(
    claim: Pick<KeyRow, 'key' | 'owner' | 'lease' | 'fingerprint' | 'expires'>,
  ): Promise<{ readonly status: 'claimed' | 'conflict'; readonly row: KeyRow }>

  /**
   * Takes a claim over: `owner` and `lease` become the new ones if the row is RUNNING under exactly the owner and the
   * lease of `from`. Bases stay.
   * Returns `taken` also if the row is RUNNING under the new owner already. Returns `conflict` with the row that exists
   * otherwise. One conditional write. Throws `StoreError` if no row exists.
   */
  takeKey(
    take: Pick<KeyRow, 'key' | 'owner' | 'lease'> & { readonly from: Pick<KeyRow, 'owner' | 'lease'> },
  ): Promise<{ readonly status: 'taken' | 'conflict'; readonly row: KeyRow }>

  /**
   * Settles a key that is RUNNING under `owner`: DONE with its outcome (JSON text), or UNKNOWN. Returns `settled` also
   * if the row shows exactly this already. Returns `conflict` with the row that exists otherwise. One conditional
   * write. Throws `StoreError` if no row exists.
   */
  settleKey(
    settle: Pick<KeyRow, 'key' | 'owner'> &
      ({ readonly state: 'DONE'; readonly outcome: string } | { readonly state: 'UNKNOWN' }),
  ): Promise<{ readonly status: 'settled' | 'conflict'; readonly row: KeyRow }>

  /**
   * Deletes the claim of a key that is RUNNING under `owner`: its attempt was refused before its resolver ran, so that
   * the key is as new. Changes nothing otherwise. One conditional write.
   */
  releaseKey(claim: Pick<KeyRow, 'key' | 'owner'>): Promise<void>

  /**
   * Records the base of a publish if none is recorded, and returns the base that is recorded. With an `owner`, only
   * while the key is RUNNING under it: otherwise `lost`, and nothing changes. Without one, the row is created as
   * PUBLISH if none exists, and an existing row keeps its state and its `expires`. One conditional write.
   */
  recordBase(record: {
    readonly key: string
    readonly owner?: string
    readonly publishId: string
    /** The head that was seen before the first put; 0 for an empty log. */
    readonly base: number
    /** Epoch seconds, of a row that is created. */
    readonly expires: number
  }): Promise<{ readonly status: 'recorded'; readonly base: number } | { readonly status: 'lost' }>

  /** Reads the row; undefined if none exists. One strongly consistent read. */
  readKey(key: string): Promise<KeyRow | undefined>
}

/** The row of an idempotency key. */
export interface KeyRow {
  /** The caller's scope and key, joined by the caller. */
  readonly key: string
  /** `PUBLISH`: the key of a publish, not of a call. */
  readonly state: 'RUNNING' | 'DONE' | 'UNKNOWN' | 'PUBLISH'
  /** Names the attempt that holds the claim. Empty for `PUBLISH`. */
  readonly owner: string
  /** Epoch milliseconds until which the owner may still be running. 0 for `PUBLISH`. */
  readonly lease: number
  /** A hash of path and input: the same key with another fingerprint is another call. Empty for `PUBLISH`. */
  readonly fingerprint: string
  /** By publish id: the head that was seen before its first put. */
  readonly bases: Readonly<Record<string, number>>
  /** JSON text of the response, once DONE. */
  readonly outcome?: string
  /** Epoch seconds. */
  readonly expires: number
}
