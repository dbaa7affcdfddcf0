import type { PollResult } from '@trunkline/protocol'
import type { ConnectionEnvironment } from '../connection/environment.ts'
import type { OutgoingFrame } from './frames.ts'
import { isPageHidden } from './page.ts'

const hiddenMs = 60_000 // 60 s: polls of a page that nobody sees
const slowestMs = 15_000
const rememberedPages = 8 // pages of subscriptions whose polls are distinguished

/**
 * When the next poll is due. The server names the time with each answer; what it wants repeated is kept here.
 * [TL-HTTP-9] [TL-MOVE-3]
 */
export class PollPace {
  readonly #environment: Pick<ConnectionEnvironment, 'after' | 'monotonic'>
  readonly #onDue: () => void
  #cancel: (() => void) | undefined
  #nextMs: number | undefined
  /** A mutation was answered: poll at once, or directly after the poll that is out. */
  #isUrgent = false
  #isOut = false
  #sentAt = Number.NEGATIVE_INFINITY
  /** By the ids of a `sync`: when the server last read the slots at the positions of them all. */
  readonly #verified = new Map<string, number>()

  constructor(environment: Pick<ConnectionEnvironment, 'after' | 'monotonic'>, onDue: () => void) {
    this.#environment = environment
    this.#onDue = onDue
  }

  /** The text of a `sync` as a poll. */
  toPoll({ text, asks = '' }: Pick<OutgoingFrame, 'text' | 'asks'>): string {
    this.#isOut = true
    this.#sentAt = this.#environment.monotonic()
    this.stop()
    const verified = this.#verified.get(asks)
    const nextMs = this.#nextMs
    const isFirst = verified === undefined && nextMs === undefined
    const poll = isFirst ? 'true' : JSON.stringify({ nextMs, verified })
    return text.replace('"params":{', `"params":{"poll":${poll},`)
  }

  /** Takes the answer to a poll, and schedules the next one. */
  onAnswer({ asks = '' }: Pick<OutgoingFrame, 'asks'>, { nextMs, verified }: Partial<PollResult>): void {
    this.#isOut = false
    if (typeof nextMs === 'number') this.#nextMs = nextMs
    this.#verified.delete(asks)
    if (typeof verified === 'number') this.#verified.set(asks, verified)
    const [oldest = asks] = this.#verified.keys()
    if (this.#verified.size > rememberedPages) this.#verified.delete(oldest)
    // Not at once: the session has not handled the answer yet.
    if (this.#isUrgent) this.#arm(0, true)
    else this.#arm(nextMs ?? slowestMs)
    this.#isUrgent = false
  }

  /** The poll that was out was lost. The session sends it again. */
  onLost(): void {
    this.#isOut = false
  }

  /** The session made a call, so the next polls come quickly again. */
  onCall(): void {
    this.#nextMs = undefined
  }

  /** Polls at once, or directly after the poll that is out, also in a hidden page. */
  hasten(): void {
    if (this.#isOut) {
      this.#isUrgent = true
      return
    }
    this.#poll()
  }

  /** Requests come too often: the next polls come half as often. */
  slowDown(): void {
    this.#nextMs = Math.min(slowestMs, 2 * (this.#nextMs ?? 1_000))
  }

  /** Schedules a poll unless one is scheduled or out, such as after the first subscribe. */
  ensure(ms: number): void {
    if (!this.#isOut && this.#cancel === undefined) this.#arm(ms)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(ms: number, evenHidden = false): void {
    this.stop()
    this.#cancel = this.#environment.after(evenHidden ? ms : this.#delay(ms), () => {
      const early = evenHidden ? 0 : this.#delay(0)
      // The page was hidden meanwhile.
      if (early > 0) this.#arm(early)
      else this.#poll()
    })
  }

  /** Asks the session for a poll. It has none while nothing is live, so it is asked again later. */
  #poll(): void {
    this.#arm(slowestMs)
    this.#onDue()
  }

  /** At least a minute after the last poll while the page is hidden. */
  #delay(ms: number): number {
    if (!isPageHidden()) return ms
    return Math.max(ms, hiddenMs - (this.#environment.monotonic() - this.#sentAt))
  }
}
