import { mapConcurrent } from '../context/map-concurrent.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { appendChange } from './append-change.ts'
import { presenceAt } from './rows/find-presence.ts'

/** A member whose row was written with a pending change, from the table's stream. */
export interface StreamedPresence {
  /** The id of the stream's record, by which a failure is returned. */
  readonly record: string
  readonly topic: string
  readonly member: string
}

const concurrentMembers = 8

/**
 * Appends changes to the log that a function left pending when it died. Skips rows that are no longer `pending`.
 * Returns the ids of the records that failed. [TL-PRES-9]
 */
export async function appendStreamed(
  context: InvocationContext,
  streamed: readonly StreamedPresence[],
): Promise<readonly string[]> {
  const failed: string[] = []
  await mapConcurrent(streamed, concurrentMembers, async (each) => {
    await appendOne(context, each).catch((thrown: unknown) => {
      reportDelivery(context, undefined, thrown)
      failed.push(each.record)
    })
  })
  return failed
}

async function appendOne(context: InvocationContext, { topic, member }: StreamedPresence): Promise<void> {
  const found = presenceAt(context, topic)
  const row = found && (await context.store.readPresence(topic, member))
  if (found !== undefined && row?.pending === true) await appendChange(context, found.log, row)
}
