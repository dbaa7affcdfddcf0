import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { withinDeadline } from '../context/deadline.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import { type InvocationContext, within } from '../context/runtime-context.ts'
import { rememberShards } from '../context/shard-hints.ts'
import { collectReady } from './collect-ready.ts'
import {
  type DeliverJob,
  type DeliveryPayload,
  type JobRun,
  joinRuns,
  toDeliveries,
  toJob,
  toRun,
  traceOf,
} from './deliver-job.ts'
import { deliverShard } from './deliver-shard.ts'
import { redeliver } from './redeliver.ts'
import { deliverWithRetry, type Run } from './schedule-retry.ts'

/**
 * A publisher posts its own event for at most this many milliseconds. After that the table's stream delivers the event.
 */
export const inlineMs = 2_000

const receiptSeconds = 24 * 3_600
/** Time to schedule retries and to write the receipt after the posts of an inline delivery. */
const graceMs = 1_000

/**
 * Delivers events of one topic right after their append, in the order of the log. The receipts are written last, when
 * each row was posted to, pruned or given to a retry. If anything fails before the receipts, the table's stream
 * delivers the events. Never throws.
 */
export async function deliverInline(context: InvocationContext, topic: string, slots: readonly Slot[]): Promise<void> {
  try {
    // The append has succeeded: a store or a function that hangs now must not make the publish time out [LAW-DEADLINE].
    await within(context, inlineMs + graceMs, ({ deadline }) =>
      withinDeadline(deadline, deliverWithReceipts(context, topic, slots)),
    )
  } catch (thrown) {
    // Reported only: the events are durable and have no receipts, so the stream delivers them.
    context.telemetry.measure('failedDeliveries', slots.length)
    reportDelivery(context, undefined, thrown)
  }
}

/**
 * Delivers slots of a stream that the table's stream leaves out, since they are marked as their producer's own. What is
 * not delivered shows to a reader as a hole before the next slot. Never throws.
 */
// [TL-STREAM-5]
export async function deliverOwn(context: InvocationContext, topic: string, slots: readonly Slot[]): Promise<void> {
  const deliveries = slots.map((slot) => ({ topic, slot }))
  try {
    await within(context, inlineMs + graceMs, ({ deadline }) =>
      withinDeadline(deadline, deliverToAudience(context, deliveries, inlineMs)),
    )
  } catch (thrown) {
    context.telemetry.measure('failedDeliveries', slots.length)
    reportDelivery(context, undefined, thrown)
  }
}

async function deliverWithReceipts(context: InvocationContext, topic: string, slots: readonly Slot[]): Promise<void> {
  const deliveries = slots.map((slot) => ({ topic, slot }))
  await deliverToAudience(context, deliveries, inlineMs)
  await putReceipts(context, topic, slots)
}

async function putReceipts({ store, clock }: InvocationContext, topic: string, slots: readonly Slot[]): Promise<void> {
  const expires = Math.ceil(clock.now() / 1_000) + receiptSeconds
  await Promise.all(slots.map(({ offset }) => store.putReceipt(topic, offset, expires)))
}

/** Posts an event to the current subscribers. A post that fails is not repeated: no log holds the event. */
export async function deliverEphemeral(context: InvocationContext, topic: string, data: string): Promise<void> {
  await deliverToAudience(context, [{ topic, data }], inlineMs)
}

/**
 * Delivers runs of slots to the subscribers of their topics. Posts to small audiences itself and puts events for one
 * connection into one message; invokes `deliver` for each shard of a large audience. Returns an element for each run:
 * the error that kept a part of it from being posted and from being given to a retry, or undefined. A slow or failing
 * topic does not affect the others [LAW-ISOLATION].
 */
export async function deliverRuns(context: InvocationContext, runs: readonly Run[]): Promise<readonly unknown[]> {
  return deliverToAudiences(
    context,
    runs.map(({ topic, slots }) => slots.map((slot) => ({ topic, slot }))),
  )
}

/** Delivers events of one topic. Throws when a part could neither be posted nor given to a retry. */
async function deliverToAudience(
  context: InvocationContext,
  deliveries: DeliveryPayload,
  postsMs?: number,
): Promise<void> {
  const [thrown] = await deliverToAudiences(context, [deliveries], postsMs)
  if (thrown !== undefined) throw thrown
}

/** Events of one topic, and their index among the topics that are delivered together. */
interface IndexedEvents {
  readonly deliveries: DeliveryPayload
  readonly index: number
}

/** The recipients of events: rows to post to, or a number of shards for `deliver` to post to. */
type Audience = IndexedEvents & ({ readonly rows: readonly Subscriber[] } | { readonly shards: number })

async function deliverToAudiences(
  context: InvocationContext,
  payloads: readonly DeliveryPayload[],
  postsMs?: number,
): Promise<readonly unknown[]> {
  const failed: unknown[] = payloads.map(() => undefined)
  const noteFailures = (events: readonly IndexedEvents[], errorOf: (position: number) => unknown) => {
    for (const [position, { index }] of events.entries()) failed[index] = errorOf(position)
  }
  const audiences = payloads.map((deliveries, index) =>
    readAudience(context, { deliveries, index }).catch((thrown: unknown) => {
      failed[index] = thrown
      return undefined
    }),
  )
  const delivering: Promise<void>[] = []
  const start = (ready: readonly (Audience | undefined)[]) => {
    const small = ready.filter((audience) => audience !== undefined && 'rows' in audience)
    if (small.length > 0)
      delivering.push(
        deliverWithRetry(context, small, { postsMs }).then((thrown) => noteFailures(small, (at) => thrown[at])),
      )
    for (const [shards, large] of byShards(ready))
      delivering.push(
        invokeShards(context, shards, large).catch((thrown: unknown) => noteFailures(large, () => thrown)),
      )
  }
  if (audiences.length > 1) await collectReady(context.clock, audiences, start)
  else start(await Promise.all(audiences))
  await Promise.all(delivering)
  return failed
}

/** Reads the subscribers of a topic; undefined without events. */
async function readAudience(context: InvocationContext, events: IndexedEvents): Promise<Audience | undefined> {
  const topic = events.deliveries[0]?.topic
  if (topic === undefined) return undefined
  // [LAW-REGISTER-THEN-READ]: a strong read after the append. The first page of shard 0 holds the number of shards.
  const { maxDirectAudience } = context.server
  const page = await context.store.readSubscribers(topic, 0, { limit: maxDirectAudience + 1 })
  const shards = page.shards ?? 1
  rememberShards(context.shardHints, topic, shards)
  const isWhole = shards === 1 && page.next === undefined && page.subscribers.length <= maxDirectAudience
  return isWhole ? { ...events, rows: page.subscribers } : { ...events, shards }
}

/**
 * Groups large audiences by their number of shards: topics with the same number mostly have a connection in the same
 * shard.
 */
function byShards(audiences: readonly (Audience | undefined)[]): ReadonlyMap<number, readonly IndexedEvents[]> {
  const groups = new Map<number, IndexedEvents[]>()
  for (const audience of audiences)
    if (audience !== undefined && 'shards' in audience)
      groups.set(audience.shards, [...(groups.get(audience.shards) ?? []), audience])
  return groups
}

/**
 * One run for each topic, since a job takes one lease for each topic. Events between two runs are in the log and are
 * included.
 */
function mergeByTopic(runs: readonly JobRun[]): readonly JobRun[] {
  const merged = new Map<string, JobRun>()
  for (const run of runs) merged.set(run.topic, joinRuns(merged.get(run.topic), run))
  return [...merged.values()]
}

/** Invokes `deliver` once for each shard, with all topics that have this number of shards. */
async function invokeShards(
  context: InvocationContext,
  shards: number,
  events: readonly IndexedEvents[],
): Promise<void> {
  const { invoker } = context
  const runs = mergeByTopic(events.map(({ deliveries }) => toRun(deliveries)))
  if (invoker === undefined)
    throw new Error(
      `Topic ${runs[0]?.topic} has more than ${context.server.maxDirectAudience} subscribers, which needs the deliver function, but the backend has no invoker. Give the backend an invoker.`,
    )
  const of = shards > 1 ? { of: shards } : {}
  await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      invoker.invoke(
        'deliver',
        toJob(runs, { shard, turn: randomName(context.clock, 12), ...of, ...traceOf(context) }),
      ),
    ),
  )
}

/**
 * Runs one invocation of the `deliver` function. Idempotent: clients drop events that they have. Throws when posts fail
 * again, so that the platform retries the invocation and at last puts it into the on-failure queue.
 */
export async function deliver(context: InvocationContext, job: DeliverJob): Promise<void> {
  if (job.to !== undefined && job.offset !== undefined)
    return redeliver(context, { topic: job.topic, offset: job.offset, to: job.to })
  if (job.shard !== undefined) return deliverShard(context, { ...job, shard: job.shard })
  const [thrown] = await deliverToAudiences(context, [await toDeliveries(context, job)])
  if (thrown !== undefined) throw thrown
}
