/**
 * The port by which a script finds and removes what the store holds about a principal. No function of a line uses it,
 * and none has a right to it.
 *
 * - A walk goes over the whole store in an order of the store's own. A row that exists from the first page to the last
 *   MUST be examined, and is examined once.
 * - [LAW-CONNECTION-ROW] CLOSED is final: an erased connection stays CLOSED.
 * - [LAW-ONE-EFFECT] An erased key stays, so that its mutation does not run again.
 */
export interface ErasureStore {
  /** About how many rows the store has. The number MAY be hours old. One request, or more where it must count. */
  countRows(): Promise<number>

  /**
   * Examines the next rows of the walk. `from` is the `next` of the page before; the first page has none. `next` is
   * absent at the end. One strongly consistent read.
   */
  findRows(who: ErasedPrincipal, from?: string): Promise<FoundRows>

  /**
   * Removes a row, or what it holds about somebody where the row must stay: see `ErasableRow`. Returns `absent` if no
   * such row exists or a key has no outcome (also where a try whose answer was lost removed it), and `running` for a key
   * that is RUNNING, which has no outcome yet. At most one read and one
   * conditional write. Safe to repeat.
   */
  eraseRow(row: ErasableRow): Promise<'erased' | 'absent' | 'running'>
}

/** Whom a walk looks for. */
export interface ErasedPrincipal {
  readonly principal: string
  /** The digest that names the principal in its rows of keys, of runs and of rates. */
  readonly owner: string
}

/** One page of a walk. */
export interface FoundRows {
  /** The rows of this page that are about the principal, and all rows of large messages. */
  readonly rows: readonly ErasableRow[]
  /** How many rows the page examined. */
  readonly examined: number
  readonly next?: string
}

/**
 * A row that an erasure removes.
 * - `connection`: only `state` CLOSED and `expires` stay
 * - `subscription`: the connection's row of a subscription or of a long call; `id` is JSON text, or names the call
 * - `subscriber`: the topic's row of a subscription, whatever its `ref` is
 * - `key`: its name begins with the principal's owner. A DONE row becomes UNKNOWN and loses its outcome. The row stays
 * - `runs`: the places of a caller's runs
 * - `rate`: a counter of a caller's rate
 * - `upload`, `part`: a large message and its parts. A walk finds those of every connection
 */
export type ErasableRow =
  | { readonly kind: 'connection'; readonly connectionId: string }
  | { readonly kind: 'subscription'; readonly connectionId: string; readonly id: string }
  | {
      readonly kind: 'subscriber'
      readonly topic: string
      readonly shard: number
      readonly connectionId: string
      readonly id: string
    }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'runs'; readonly owner: string }
  | { readonly kind: 'rate'; readonly owner: string; readonly window: number; readonly what: string }
  | { readonly kind: 'upload'; readonly connectionId: string; readonly message: string }
  | { readonly kind: 'part'; readonly connectionId: string; readonly message: string; readonly part: number }
