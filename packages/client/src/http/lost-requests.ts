import type { Timing } from './requests.ts'

const mostInRow = 3 // lost requests in a row that lose the connection
const leastMs = 5_000 // if they take at least this long: at a loss of 5 %, three in a row are no rare event
const silenceMs = 30_000 // 30 s without any answer lose the connection too

/** Counts the requests without an answer. One that is lost is not a lost connection. [TL-MOVE-2] */
export class LostRequests {
  #count = 0
  #firstAt = 0
  /** When the server last answered, by the monotonic clock. */
  #answeredAt: number

  constructor(now: number) {
    this.#answeredAt = now
  }

  /** The number of lost requests in a row. */
  get count(): number {
    return this.#count
  }

  /** Notes an answer of the server. */
  onAnswer(now: number): void {
    this.#answeredAt = now
    this.#count = 0
  }

  /** Notes that the server or the gateway takes no more requests for now: it is not silent. */
  onThrottled(now: number): void {
    this.#answeredAt = now
  }

  /**
   * Notes a lost request. Returns whether the connection is lost with it. `opens`: the request was for `hello`, which
   * has no connection that could be lost, so three are enough.
   */
  onLost({ sentAt, slept }: Timing, now: number, opens: boolean): boolean {
    if (slept) this.#answeredAt = now // nothing is known of the time in which the machine slept
    if (slept || this.#count === 0) this.#firstAt = slept ? now : sentAt
    this.#count = slept ? 1 : this.#count + 1
    if (opens) return this.#count >= mostInRow
    const isSilent = now - Math.max(this.#answeredAt, this.#firstAt) >= silenceMs
    return isSilent || (this.#count >= mostInRow && now - this.#firstAt >= leastMs)
  }
}
