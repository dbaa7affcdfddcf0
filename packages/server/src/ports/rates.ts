/**
 * The port of rates: counters of what callers do in windows of time. They are never read by themselves: the write that
 * adds to a counter returns its total.
 *
 * - A counter is named by its owner, by what it counts, and by the start of its window. Each starts at 0.
 * - Totals are never too low. A repeat that the implementation makes after a lost answer may count twice: this port is
 *   the exception to the law of repeats of `Store`, since a total that is too high refuses a request, and harms nothing.
 */
export interface RateStore {
  /** Adds to a counter and returns its total, in one write. Concurrent writers all count. */
  addToRate(add: RateAddition): Promise<number>
}

/** An addition to a counter. */
export interface RateAddition {
  /** Whose rate it is: a connection, a principal or a session. */
  readonly owner: string
  /** What is counted. */
  readonly what: string
  /** The start of the window, in epoch milliseconds. */
  readonly window: number
  /** A whole number above 0. */
  readonly amount: number
  /** When the counter expires, in epoch seconds. */
  readonly expires: number
}
