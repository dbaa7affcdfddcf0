import type { Slot } from '../../ports/log.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { isDeliverable } from '../recipients/delivery.ts'
import { pokeWorker } from '../streams/settle.ts'
import { parseState } from '../streams/state.ts'
import { deliverRuns, inlineMs } from './deliver.ts'
import { type Run, scheduleRunRetry } from './schedule-retry.ts'

/** A new slot, from the table's stream. */
export interface StreamedSlot {
  /** The id of the stream's record, by which a failure is returned. */
  readonly record: string
  readonly topic: string
  readonly slot: Slot
}

const receiptsPerRead = 100
/** A publisher's own time plus a clock error. The limit keeps a row with a wrong `inline` from delaying the others. */
const maxWaitMs = inlineMs + 5_000
const firstPauseMs = 100

/**
 * Delivers the events that have no receipt: slots without `inline` at once, the others after the time in `inline`.
 * Events for one connection share messages. Each topic is isolated: a bad event delays no other [LAW-ISOLATION]. A run
 * that fails is given to the `deliver` function, so that a bad topic does not delay its stream. Returns the ids of the
 * records for which this failed too; the stream repeats them.
 */
export async function deliverStreamed(
  context: InvocationContext,
  streamed: readonly StreamedSlot[],
): Promise<readonly string[]> {
  const events = streamed.filter(({ slot }) => slot.own !== true && isDeliverable(slot)) // [TL-STREAM-5]
  const raw = events.filter(({ slot }) => slot.inline === undefined) // [TL-ROW-5]
  const inline = events.filter(({ slot }) => slot.inline !== undefined)
  await pokeWaiting(context, streamed)
  const failed = await deliverEach(context, raw)
  const undelivered = await awaitReceipts(context, inline)
  return [...failed, ...(await deliverEach(context, undelivered))]
}

/**
 * Pokes a worker for each stream whose newest slot says that it waits for one, so that a start survives the loss of its
 * own poke, and a script needs no right to invoke. A poke that fails is reported only.
 */
// [LAW-STREAM-SETTLE]
async function pokeWaiting(context: InvocationContext, streamed: readonly StreamedSlot[]): Promise<void> {
  const waiting = new Map<string, number>()
  for (const { topic, slot } of streamed)
    if (parseState(slot.state)?.at === 'waiting') waiting.set(topic, Math.max(slot.offset, waiting.get(topic) ?? 0))
  const poked = [...waiting].map(async ([topic, offset]) => {
    const [newest] = (await context.store.readSlotsBefore(topic, undefined, 1)).slots
    if (newest?.offset === offset) await pokeWorker(context, topic)
  })
  for (const result of await Promise.allSettled(poked))
    if (result.status === 'rejected') reportDelivery(context, undefined, result.reason)
}

/**
 * The slots without a receipt after `inline`. Most receipts exist before the record arrives; the others are polled with
 * growing pauses.
 */
async function awaitReceipts(
  context: InvocationContext,
  events: readonly StreamedSlot[],
): Promise<readonly StreamedSlot[]> {
  const { clock, deadline } = context
  const until = Math.max(0, ...events.map(({ slot }) => slot.inline ?? 0))
  const end = Math.min(until, clock.now() + maxWaitMs)
  let undelivered = await withoutReceipt(context, events)
  for (let pause = firstPauseMs; undelivered.length > 0 && clock.now() < end && !deadline.isPassed; pause *= 4) {
    await clock.sleep(Math.min(pause, end - clock.now()), deadline.signal)
    undelivered = await withoutReceipt(context, undelivered)
  }
  return undelivered
}

async function withoutReceipt(
  context: InvocationContext,
  events: readonly StreamedSlot[],
): Promise<readonly StreamedSlot[]> {
  const undelivered: StreamedSlot[] = []
  for (let at = 0; at < events.length; at += receiptsPerRead) {
    const some = events.slice(at, at + receiptsPerRead)
    try {
      const receipts = await context.store.hasReceipts(some.map(({ topic, slot }) => ({ topic, offset: slot.offset })))
      undelivered.push(...some.filter((_, index) => receipts[index] !== true))
    } catch (thrown) {
      reportDelivery(context, undefined, thrown)
      undelivered.push(...some) // an event that is delivered twice does no harm, a missing one does
    }
  }
  return undelivered
}

async function deliverEach(context: InvocationContext, events: readonly StreamedSlot[]): Promise<string[]> {
  const runs = runsOf(events)
  const failed: string[] = []
  const thrown = await deliverRuns(context, runs)
  for (const [index, run] of runs.entries()) {
    if (thrown[index] === undefined) continue
    context.telemetry.measure('failedDeliveries', 1)
    reportDelivery(context, undefined, thrown[index])
    await scheduleRunRetry(context, run).catch((error: unknown) => {
      reportDelivery(context, undefined, error)
      failed.push(...run.records)
    })
  }
  return failed
}

/** Groups consecutive slots of one topic into runs. */
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
