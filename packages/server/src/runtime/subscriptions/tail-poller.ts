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
  const poller = byTopic.get(name) ?? createPoller(context, log, () => byTopic.delete(name))
  byTopic.set(name, poller)
  return poller.join()
}

/** The number of topics of this store that are being polled. */
export function pollersOf(store: Store): number {
  return pollers.get(store)?.size ?? 0
}

interface Poller {
  join(): Tail
}

function createPoller(context: RuntimeContext, log: LogRef, onStop: () => void): Poller {
  const stopped = new AbortController()
  const waiting = new Set<() => void>()
  let readers = 0
  let running = false
  /** The poller's position; undefined after a break, until a reader has read the log to its end. */
  let head: Cursor | undefined
  /** Consecutive slots up to `head`. */
  let recent: readonly Slot[] = []
  let failure: TrunklineError | undefined

  const wake = () => {
    for (const resume of [...waiting]) resume()
  }
  const positionAt = (at: Cursor | undefined) => {
    head = at
    recent = []
    wake()
  }
  function advance(slots: readonly Slot[]): void {
    const last = slots.at(-1)
    if (head === undefined || last === undefined) return
    head = { epoch: head.epoch, offset: last.offset }
    recent = newest([...recent, ...slots])
    wake()
  }
  /** Reads the log once. Returns the number of new slots. */
  async function poll(verify: boolean): Promise<number> {
    const from = head
    if (from === undefined) return 0
    const slots = await (verify ? readVerified(context, log, from) : readAfter(context, log, from))
    if (head !== from) return 0 // a reader has moved it during the read
    if (slots === undefined) positionAt(undefined)
    else advance(slots)
    return slots?.length ?? 0
  }
  async function run(): Promise<void> {
    let delay: number = pollMs.soonest
    let failures = 0
    let verified = context.clock.now()
    while (!stopped.signal.aborted) {
      await context.clock.sleep(delay, stopped.signal, { background: true })
      if (stopped.signal.aborted) return
      const now = context.clock.now()
      const verify = now - verified >= verifyMs
      try {
        const added = await poll(verify)
        if (verify) verified = now
        failures = 0
        failure = undefined
        delay = added > 0 ? pollMs.soonest : Math.min(Math.max(delay, pollMs.soonest) * pollMs.growth, pollMs.latest)
      } catch (cause) {
        failures += 1
        delay = Math.min(pollMs.soonest * 2 ** (failures + 1), maxRetryMs)
        if (failures < maxFailures) continue
        failure = new TrunklineError(
          'FUNCTION_FAILED',
          'The log of this subscription could not be read. Subscribe again later.',
          { cause },
        )
        wake()
      }
    }
  }
  function leave(): void {
    readers -= 1
    if (readers > 0) return
    stopped.abort()
    onStop()
  }
  const join = (): Tail => {
    let joined = true
    readers += 1
    return {
      begin(at) {
        if (head?.epoch !== at.epoch) positionAt(at)
        if (running) return
        running = true
        void run()
      },
      after: (at) => after(at, head, recent),
      changed: (signal) =>
        new Promise((resolve, reject) => {
          const resume = () => {
            waiting.delete(resume)
            signal.removeEventListener('abort', resume)
            if (failure === undefined || signal.aborted) resolve()
            else reject(failure)
          }
          if (signal.aborted || failure !== undefined) return resume()
          waiting.add(resume)
          signal.addEventListener('abort', resume)
        }),
      [Symbol.dispose]() {
        if (joined) leave()
        joined = false
      },
    }
  }
  return { join }
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
