import { limits } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { isDeliverable } from '../recipients/delivery.ts'
import { awaitLocks } from '../stock-clients/await-locks.ts'
import type { DeliverJob } from './deliver-job.ts'
import { deliverTo } from './deliver-to-connections.ts'

const concurrentReads = 50
/** At most this many slots are read for one message. */
const tailSlots = 100

/**
 * Retries failed posts: posts what the log has from `offset` on, so that events which were skipped since then are
 * included. Throws when posts fail again.
 */
// [TL-PUSH-2]
export async function redeliver(
  context: InvocationContext,
  { topic, offset, to }: Required<Pick<DeliverJob, 'topic' | 'offset' | 'to'>>,
): Promise<void> {
  const slots = await readTail(context, topic, offset)
  if (slots.length === 0) return
  const deliveries = slots.map((slot) => ({ topic, slot }))
  const retry = async (rows: readonly Subscriber[]) =>
    (await deliverTo(context, [{ deliveries, rows }], { isRetry: true }))[0] ?? []
  context.telemetry.measure('redriven', to.length)
  const live = await readLiveRows(context, topic, to)
  const undelivered = await awaitLocks(context, await retry(live), async (rows) =>
    retry(await readLiveRows(context, topic, rows)),
  )
  if (undelivered.length > 0)
    throw new Error(
      `${undelivered.length} of ${live.length} posts of topic ${topic} failed again on retry. Invoke the job again.`,
    )
}

/** Reads these rows again. Leaves out subscriptions that have stopped. */
async function readLiveRows(
  context: InvocationContext,
  topic: string,
  to: NonNullable<DeliverJob['to']>,
): Promise<readonly Subscriber[]> {
  const live: Subscriber[] = []
  for (let at = 0; at < to.length; at += concurrentReads) {
    const some = to.slice(at, at + concurrentReads)
    const rows = await Promise.all(
      some.map(({ shard, connectionId, id }) => context.store.readSubscriber({ topic, shard, connectionId, id })),
    )
    live.push(...rows.filter((row): row is Subscriber => row?.on === true))
  }
  return live
}

/**
 * The events from `offset` on that fit one message. If the log has more, the newest event is added: its frame says
 * which events it does not cover, and the client fetches them.
 */
async function readTail(context: InvocationContext, topic: string, offset: number): Promise<readonly Slot[]> {
  const page = await context.store.readSlots(topic, offset - 1, tailSlots)
  let bytes = 0
  const end = page.slots.findIndex(({ data = '' }, index) => {
    bytes += Buffer.byteLength(data)
    return index > 0 && bytes > limits.pageBytes.value
  })
  const fitting = end === -1 ? page.slots : page.slots.slice(0, end)
  const newest = page.more || end !== -1 ? (await context.store.readSlotsBefore(topic, undefined, 1)).slots : []
  return [...fitting, ...newest.filter((slot) => slot.offset > (fitting.at(-1)?.offset ?? 0))].filter(isDeliverable)
}
