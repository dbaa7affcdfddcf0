import type { Slot } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { deliverRuns, inlineMs } from './deliver.ts'
import { type Run, scheduleRunRetry } from './schedule-retry.ts'

/** A new slot, as the table's stream tells it. */
export interface StreamedSlot {
  /** Names the record, to report it. */
  readonly record: string
  readonly topic: string
  readonly slot: Slot
}

const receiptsAtOnce = 100
/** No longer than a publisher's own time and a clock's error: a row with a strange `inline` must not hold up the others. */
const longestWaitMs = inlineMs + 5_000
const firstPauseMs = 100

/**
 * Delivers what nobody has delivered: slots without `inline` at once, the others after `inline` if they have no receipt. What is for one connection goes together.
 * Each topic is isolated: one bad event never blocks another [LAW-ISOLATION]. What fails is handed to the `deliver` function, so that a bad topic does not hold up its
 * stream either. Returns the records of which even that failed, which the stream brings again.
 */
export async function deliverStreamed(
  scope: InvocationContext,
  streamed: readonly StreamedSlot[],
): Promise<readonly string[]> {
  const events = streamed.filter(({ slot }) => slot.data !== undefined)
  const raw = events.filter(({ slot }) => slot.inline === undefined) // [TL-ROW-5]
  const inline = events.filter(({ slot }) => slot.inline !== undefined)
  const failed = await deliverEach(scope, raw)
  const open = await awaitReceipts(scope, inline)
  return [...failed, ...(await deliverEach(scope, open))]
}

/** The slots that nobody delivered: most publishers are done before their record comes, the others are given until `inline`, and asked after now and then. */
async function awaitReceipts(
  scope: InvocationContext,
  events: readonly StreamedSlot[],
): Promise<readonly StreamedSlot[]> {
  const { clock, deadline } = scope
  const until = Math.max(0, ...events.map(({ slot }) => slot.inline ?? 0))
  const end = Math.min(until, clock.now() + longestWaitMs)
  let open = await withoutReceipt(scope, events)
  for (let pause = firstPauseMs; open.length > 0 && clock.now() < end && !deadline.signal.aborted; pause *= 4) {
    await clock.sleep(Math.min(pause, end - clock.now()), deadline.signal)
    open = await withoutReceipt(scope, open)
  }
  return open
}

async function withoutReceipt(
  scope: InvocationContext,
  events: readonly StreamedSlot[],
): Promise<readonly StreamedSlot[]> {
  const open: StreamedSlot[] = []
  for (let at = 0; at < events.length; at += receiptsAtOnce) {
    const some = events.slice(at, at + receiptsAtOnce)
    try {
      const receipts = await scope.store.hasReceipts(some.map(({ topic, slot }) => ({ topic, offset: slot.offset })))
      open.push(...some.filter((_, index) => receipts[index] !== true))
    } catch (thrown) {
      report(scope, thrown)
      open.push(...some) // delivered twice rather than not
    }
  }
  return open
}

async function deliverEach(scope: InvocationContext, events: readonly StreamedSlot[]): Promise<string[]> {
  const runs = runsOf(events)
  const failed: string[] = []
  const thrown = await deliverRuns(scope, runs)
  for (const [index, run] of runs.entries()) {
    if (thrown[index] === undefined) continue
    scope.telemetry.measure('failedDeliveries', 1)
    report(scope, thrown[index])
    await scheduleRunRetry(scope, run).catch((again: unknown) => {
      report(scope, again)
      failed.push(...run.records)
    })
  }
  return failed
}

/** Slots of one topic that follow one another make a run. */
function runsOf(events: readonly StreamedSlot[]): readonly (Run & { readonly records: readonly string[] })[] {
  const runs: { topic: string; slots: Slot[]; records: string[] }[] = []
  const last = new Map<string, (typeof runs)[number]>()
  for (const { topic, slot, record } of [...events].sort((a, b) => a.slot.offset - b.slot.offset)) {
    const before = last.get(topic)
    const run = before?.slots.at(-1)?.offset === slot.offset - 1 ? before : { topic, slots: [], records: [] }
    if (run !== before) runs.push(run)
    last.set(topic, run)
    run.slots.push(slot)
    run.records.push(record)
  }
  return runs
}

function report(scope: InvocationContext, thrown: unknown): void {
  scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
}
