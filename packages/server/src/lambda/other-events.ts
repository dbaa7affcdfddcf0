import type { createSlotReader } from '../ports/event-row.ts'
import type { InvocationContext } from '../runtime/context/runtime-context.ts'
import { deliverStreamed } from '../runtime/delivery/deliver-from-stream.ts'
import { appendStreamed } from '../runtime/presence/append-from-stream.ts'
import { toStreamedPresences, toStreamedSlots } from './events/stream-records.ts'

export { deliver } from '../runtime/delivery/deliver.ts'
export { doQueued, runCheck } from '../runtime/run-queued-jobs.ts'
export { work } from '../runtime/run-worker-job.ts'
export { onHttpEvent } from './http/on-http-event.ts'

/** Handles a batch of the table's stream. Returns the ids of the records that failed. */
export async function onStreamRecords(
  context: InvocationContext,
  event: unknown,
  readSlot: ReturnType<typeof createSlotReader>,
): Promise<readonly string[]> {
  const failed = await Promise.all([
    deliverStreamed(context, toStreamedSlots(event, readSlot)),
    appendStreamed(context, toStreamedPresences(event)),
  ])
  return failed.flat()
}
