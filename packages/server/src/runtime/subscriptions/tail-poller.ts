import type { Cursor } from '@trunkline/protocol'
import type { Slot, Store } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type LogRef, replayFrom } from '../log/replay.ts'
import { isExpiredSlot, wireEpoch } from '../log/retention.ts'

/**
 * One reader's view of a topic's tail, which a process polls once for all its readers. It is a hint, as a push is: it never says that something is whole
 * which it has not seen to be, and sends the reader to the log instead.
 */
export interface Tail extends Disposable {
  /** The reader has read the log to its end, and stands at `at`. The poller begins there if it stands nowhere. */
  begin(at: Cursor): void
  /** What was seen after `at`; undefined when only the log can say. */
  after(at: Cursor): readonly Slot[] | undefined
  /** Resolves when `after` may say something else, or `signal` aborts. Rejects with FUNCTION_FAILED when the log could not be read several times in a row. */
  changed(signal: AbortSignal): Promise<void>
}

/** How often a log is asked for its head: the sooner, the less long ago something came. */
export const pollMs = { soonest: 250, latest: 2_000, growth: 1.5 } as const

const verifyMs = 60_000 // 60 s: an empty answer proves nothing of the head itself [LAW-SYNC-HEADS], so it is read too, and kept from ageing
const pageSlots = 250
const recentSlots = 250
const recentBytes = 1_024 * 1_024
const failuresInARow = 5
const latestRetryMs = 30_000 // 30 s

const pollers = new WeakMap<Store, Map<string, Poller>>()

/** Joins the readers of a topic. The first one starts its poller, and the last one to leave stops it. [LAW-REGISTER-THEN-READ]: join first, then read the log. */
export function joinTail(scope: RuntimeContext, log: LogRef): Tail {
  const ofStore = pollers.get(scope.store) ?? new Map<string, Poller>()
  pollers.set(scope.store, ofStore)
  const name = `${scope.restore} ${log.topic}` // another restore number, another history
  const poller = ofStore.get(name) ?? createPoller(scope, log, () => ofStore.delete(name))
  ofStore.set(name, poller)
  return poller.join()
}

/** How many topics of this store are being polled. */
export function pollersOf(store: Store): number {
  return pollers.get(store)?.size ?? 0
}

interface Poller {
  join(): Tail
}

function createPoller(scope: RuntimeContext, log: LogRef, onStop: () => void): Poller {
  const stopped = new AbortController()
  const waiting = new Set<() => void>()
  let readers = 0
  let running = false
  /** Where the poller stands; undefined when nobody has read the log to its end since it broke. */
  let head: Cursor | undefined
  /** Dense, and ends at the head. */
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
  function take(slots: readonly Slot[]): void {
    const last = slots.at(-1)
    if (head === undefined || last === undefined) return
    head = { epoch: head.epoch, offset: last.offset }
    recent = newest([...recent, ...slots])
    wake()
  }
  /** One look at the log: how many slots came. */
  async function poll(verify: boolean): Promise<number> {
    const from = head
    if (from === undefined) return 0
    const slots = await (verify ? readVerified(scope, log, from) : readAfter(scope, log, from))
    if (head !== from) return 0 // a reader moved it meanwhile
    if (slots === undefined) positionAt(undefined)
    else take(slots)
    return slots?.length ?? 0
  }
  async function run(): Promise<void> {
    let delay: number = pollMs.soonest
    let failures = 0
    let verified = scope.clock.now()
    while (!stopped.signal.aborted) {
      await scope.clock.sleep(delay, stopped.signal, { background: true })
      if (stopped.signal.aborted) return
      const now = scope.clock.now()
      const verify = now - verified >= verifyMs
      try {
        const came = await poll(verify)
        if (verify) verified = now
        failures = 0
        failure = undefined
        delay = came > 0 ? pollMs.soonest : Math.min(Math.max(delay, pollMs.soonest) * pollMs.growth, pollMs.latest)
      } catch (cause) {
        failures += 1
        delay = Math.min(pollMs.soonest * 2 ** (failures + 1), latestRetryMs)
        if (failures < failuresInARow) continue
        failure = new TrunklineError('FUNCTION_FAILED', 'The log of this subscription could not be read.', { cause })
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

/** The slots after the head, or undefined when the log does not go on from there. */
async function readAfter(scope: RuntimeContext, log: LogRef, head: Cursor): Promise<readonly Slot[] | undefined> {
  const { slots } = await scope.store.readSlots(log.topic, head.offset, pageSlots)
  const now = scope.clock.now()
  const run = slots.filter((slot, index) => slot.offset === head.offset + 1 + index) // ends before the first absent slot
  // One was deleted, or was put while the page was read: the log says which.
  if (slots.length > 0 && run.length === 0) return undefined
  const goesOn = run.every(
    (slot) => wireEpoch(slot.epoch, scope.restore) === head.epoch && !isExpiredSlot(slot, log.retentionMs, now),
  )
  return goesOn ? run : undefined
}

/** The same, by a read that proves the head itself and extends an ageing one [LAW-LOGICAL-EXPIRY]. */
async function readVerified(scope: RuntimeContext, log: LogRef, head: Cursor): Promise<readonly Slot[] | undefined> {
  const { gap, slots } = await replayFrom(scope, log, head)
  return gap === undefined ? slots : undefined
}

/** What is kept for readers that are not here at this moment; one that is further behind reads the log. */
function newest(slots: readonly Slot[]): readonly Slot[] {
  let bytes = 0
  const kept = slots.slice(-recentSlots).reverse()
  const end = kept.findIndex((slot, index) => {
    bytes += slot.data?.length ?? 0
    return bytes > recentBytes && index > 0
  })
  return (end === -1 ? kept : kept.slice(0, end)).reverse()
}
