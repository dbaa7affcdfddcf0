// One file for the poller and its readers, since both use the same position and the same recent slots.

import type { Cursor } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type LogRef, replayFrom } from '../log/replay.ts'
import { isExpiredSlot, wireEpoch } from '../log/retention.ts'

/**
 * One reader's view of the end of a topic's log, which a process polls once for all its readers. It is only a hint, as
 * a push is: it never claims completeness that it has not verified, and sends the reader to the log instead.
 */
export interface Tail extends Disposable {
  /** The reader has read the log to its end, at `at`. Starts the poller from there if it has no position. */
  begin(at: Cursor): void
  /** The slots after `at`; undefined when the reader must read the log. */
  after(at: Cursor): readonly Slot[] | undefined
  /**
   * Resolves when the result of `after` may have changed, or `signal` aborts. Rejects with FUNCTION_FAILED when five
   * reads in a row failed.
   */
  changed(signal: AbortSignal): Promise<void>
}

/** Milliseconds between reads of a log. The pause grows while no events arrive. */
export const pollMs = { soonest: 250, latest: 2_000, growth: 1.5 } as const

/**
 * 60 s. An empty page does not prove that the head still exists [LAW-SYNC-HEADS], so this often the head is read and
 * its expiry extended.
 */
const verifyMs = 60_000
const pageSlots = 250
const recentSlots = 250
const recentBytes = 1_024 * 1_024
const maxFailures = 5
const maxRetryMs = 30_000 // 30 s

const pollers = new WeakMap<Store, Map<string, Poller>>()

/**
 * Joins the readers of a topic. The first reader starts its poller, and the last one to leave stops it. Callers must
 * join before they read the log [LAW-REGISTER-THEN-READ].
 */
export function joinTail(context: RuntimeContext, log: LogRef): Tail {
  const byTopic = pollers.get(context.store) ?? new Map<string, Poller>()
  pollers.set(context.store, byTopic)
  const name = `${context.restore} ${log.topic}` // a restored table has a history of its own
  const poller = byTopic.get(name) ?? new Poller(context, log, () => byTopic.delete(name))
  byTopic.set(name, poller)
  return poller.join()
}

/** The number of topics of this store that are being polled. */
export function pollersOf(store: Store): number {
  return pollers.get(store)?.size ?? 0
}

/** Reads the end of one topic's log, from the first reader that joins to the last one that leaves. */
class Poller {
  readonly #context: RuntimeContext
  readonly #log: LogRef
  readonly #onStop: () => void
  readonly #stopped = new AbortController()
  readonly #waiting = new Set<() => void>()
  #readers = 0
  #isRunning = false
  /** The poller's position; undefined after a break, until a reader has read the log to its end. */
  #head: Cursor | undefined
  /** Consecutive slots up to `#head`. */
  #recent: readonly Slot[] = []
  #failure: TrunklineError | undefined

  constructor(context: RuntimeContext, log: LogRef, onStop: () => void) {
    this.#context = context
    this.#log = log
    this.#onStop = onStop
  }

  join(): Tail {
    let hasJoined = true
    this.#readers += 1
    return {
      begin: (at) => this.#begin(at),
      after: (at) => after(at, this.#head, this.#recent),
      changed: (signal) => this.#changed(signal),
      [Symbol.dispose]: () => {
        if (hasJoined) this.#leave()
        hasJoined = false
      },
    }
  }

  #begin(at: Cursor): void {
    if (this.#head?.epoch !== at.epoch) this.#moveTo(at)
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const resume = () => {
        this.#waiting.delete(resume)
        signal.removeEventListener('abort', resume)
        if (this.#failure === undefined || signal.aborted) resolve()
        else reject(this.#failure)
      }
      if (signal.aborted || this.#failure !== undefined) return resume()
      this.#waiting.add(resume)
      signal.addEventListener('abort', resume)
    })
  }

  #leave(): void {
    this.#readers -= 1
    if (this.#readers > 0) return
    this.#stopped.abort()
    this.#onStop()
  }

  async #run(): Promise<void> {
    const { clock } = this.#context
    const { signal } = this.#stopped
    let delay: number = pollMs.soonest
    let failures = 0
    let verified = clock.now()
    while (!signal.aborted) {
      await clock.sleep(delay, signal, { background: true })
      if (signal.aborted) return
      const now = clock.now()
      const verify = now - verified >= verifyMs
      try {
        const added = await this.#poll(verify)
        if (verify) verified = now
        failures = 0
        this.#failure = undefined
        delay = added > 0 ? pollMs.soonest : Math.min(Math.max(delay, pollMs.soonest) * pollMs.growth, pollMs.latest)
      } catch (cause) {
        failures += 1
        delay = Math.min(pollMs.soonest * 2 ** (failures + 1), maxRetryMs)
        if (failures >= maxFailures) this.#fail(cause)
      }
    }
  }

  /** Reads the log once. Returns the number of new slots. */
  async #poll(verify: boolean): Promise<number> {
    const from = this.#head
    if (from === undefined) return 0
    const slots = await (verify ? readVerified : readAfter)(this.#context, this.#log, from)
    if (this.#head !== from) return 0 // a reader has moved it during the read
    if (slots === undefined) this.#moveTo(undefined)
    else this.#advance(slots)
    return slots?.length ?? 0
  }

  #advance(slots: readonly Slot[]): void {
    const last = slots.at(-1)
    if (this.#head === undefined || last === undefined) return
    this.#head = { epoch: this.#head.epoch, offset: last.offset }
    this.#recent = newest([...this.#recent, ...slots])
    this.#wake()
  }

  #moveTo(at: Cursor | undefined): void {
    this.#head = at
    this.#recent = []
    this.#wake()
  }

  #fail(cause: unknown): void {
    this.#failure = new TrunklineError(
      'FUNCTION_FAILED',
      'The log of this subscription could not be read. Subscribe again later.',
      { cause },
    )
    this.#wake()
  }

  #wake(): void {
    for (const resume of [...this.#waiting]) resume()
  }
}

function after(at: Cursor, head: Cursor | undefined, recent: readonly Slot[]): readonly Slot[] | undefined {
  if (head?.epoch !== at.epoch) return undefined
  if (at.offset >= head.offset) return [] // a reader may have read further than the poller
  const index = recent.findIndex(({ offset }) => offset === at.offset + 1)
  return index === -1 ? undefined : recent.slice(index)
}

/** The slots after the head; undefined when the log does not continue from there. */
async function readAfter(context: RuntimeContext, log: LogRef, head: Cursor): Promise<readonly Slot[] | undefined> {
  const { slots } = await context.store.readSlots(log.topic, head.offset, pageSlots)
  const now = context.clock.now()
  // Ends before the first absent slot.
  const run = slots.filter((slot, index) => slot.offset === head.offset + 1 + index)
  // The next slot was deleted, or put while the page was read. The reader finds out from the log.
  if (slots.length > 0 && run.length === 0) return undefined
  const continues = run.every(
    (slot) => wireEpoch(slot.epoch, context.restore) === head.epoch && !isExpiredSlot(slot, log.retentionMs, now),
  )
  return continues ? run : undefined
}

/** Like `readAfter`, but also verifies that the head exists, and extends an ageing head [LAW-LOGICAL-EXPIRY]. */
async function readVerified(context: RuntimeContext, log: LogRef, head: Cursor): Promise<readonly Slot[] | undefined> {
  const { gap, slots } = await replayFrom(context, log, head)
  return gap === undefined ? slots : undefined
}

/** The newest slots, kept for readers that are busy at the moment. A reader that is further behind reads the log. */
function newest(slots: readonly Slot[]): readonly Slot[] {
  let bytes = 0
  const kept = slots.slice(-recentSlots).reverse()
  const end = kept.findIndex((slot, index) => {
    bytes += slot.data?.length ?? 0
    return bytes > recentBytes && index > 0
  })
  return (end === -1 ? kept : kept.slice(0, end)).reverse()
}
