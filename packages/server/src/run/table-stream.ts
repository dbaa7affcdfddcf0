import type { Slot } from '../ports/store.ts'
import { deliverEvent } from './deliver.ts'
import { inlineMs } from './inline.ts'
import { toTRPCError } from './reply.ts'
import type { ServedScope } from './scope.ts'

/** A new slot, as the table's stream tells it. */
export interface StreamedSlot {
  /** Names the record, to report it. */
  readonly record: string
  readonly topic: string
  readonly slot: Slot
}

const receiptsAtOnce = 100
const eventsAtOnce = 8
/** No longer than a publisher's own time and a clock's error: a row with a strange `inline` must not hold up the others. */
const longestWaitMs = inlineMs + 5_000
const firstPauseMs = 100

/**
 * Delivers what nobody has delivered: slots without `inline` at once, the others after `inline` if they have no receipt.
 * Each record is isolated: one bad event never blocks another (law 11). Returns the records that failed, which the stream brings again.
 */
export async function deliverStreamed(
  scope: ServedScope,
  streamed: readonly StreamedSlot[],
): Promise<readonly string[]> {
  const events = streamed.filter(({ slot }) => slot.data !== undefined)
  const raw = events.filter(({ slot }) => slot.inline === undefined) // [TL-ROW-5]
  const inline = events.filter(({ slot }) => slot.inline !== undefined)
  const failed = await deliverEach(scope, raw)
  const open = await awaitReceipts(scope, inline, failed)
  return [...failed, ...(await deliverEach(scope, open))]
}

/** The slots that nobody delivered: most publishers are done before their record comes, the others are given until `inline`, and asked after now and then. */
async function awaitReceipts(
  scope: ServedScope,
  events: readonly StreamedSlot[],
  failed: string[],
): Promise<readonly StreamedSlot[]> {
  const { clock, deadline } = scope
  const until = Math.max(0, ...events.map(({ slot }) => slot.inline ?? 0))
  const end = Math.min(until, clock.now() + longestWaitMs)
  let open = await withoutReceipt(scope, events, failed)
  for (let pause = firstPauseMs; open.length > 0 && clock.now() < end && !deadline.signal.aborted; pause *= 4) {
    await clock.sleep(Math.min(pause, end - clock.now()), deadline.signal)
    open = await withoutReceipt(scope, open, failed)
  }
  return open
}

async function withoutReceipt(
  scope: ServedScope,
  events: readonly StreamedSlot[],
  failed: string[],
): Promise<readonly StreamedSlot[]> {
  const open: StreamedSlot[] = []
  for (let at = 0; at < events.length; at += receiptsAtOnce) {
    const some = events.slice(at, at + receiptsAtOnce)
    try {
      const receipts = await scope.store.hasReceipts(some.map(({ topic, slot }) => ({ topic, offset: slot.offset })))
      open.push(...some.filter((_, index) => receipts[index] !== true))
    } catch (thrown) {
      report(scope, thrown)
      failed.push(...some.map(({ record }) => record))
    }
  }
  return open
}

async function deliverEach(scope: ServedScope, events: readonly StreamedSlot[]): Promise<string[]> {
  const failed: string[] = []
  let next = 0
  const worker = async () => {
    for (let event = events[next++]; event !== undefined; event = events[next++]) {
      const { record, topic, slot } = event
      await deliverEvent(scope, topic, slot).catch((thrown: unknown) => {
        report(scope, thrown)
        failed.push(record)
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(eventsAtOnce, events.length) }, worker))
  return failed
}

function report(scope: ServedScope, thrown: unknown): void {
  scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
}
