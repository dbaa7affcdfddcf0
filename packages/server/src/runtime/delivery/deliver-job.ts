import { defined } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { type Delivery, isDeliverable } from '../recipients/delivery.ts'

/** Events of one topic: consecutive events of its log, or one event of an ephemeral channel. */
export interface JobRun {
  readonly topic: string
  /** The offset of the first event. Absent for an ephemeral event. */
  readonly offset?: number
  /** The offset of the last event. @default `offset`, which is a run of one event */
  readonly through?: number
  /** The event itself as JSON text. Present only for an ephemeral event, which no log holds. */
  readonly data?: string
  /** The page of the shard to continue with. Absent at the first page. */
  readonly from?: string
  /** The number of rows on the pages before `from`. */
  readonly rows?: number
  /** The id of the lease under which the pages before `from` were delivered. */
  readonly taking?: string
}

/**
 * The JSON payload of the `deliver` function: events for one shard, or for single subscriptions. Payloads wait in
 * queues while a new version is deployed, so the names of these members must not change.
 */
export interface DeliverJob extends JobRun {
  /**
   * Runs of other topics for the same shard. The shards hold the same connections, so events for one connection share a
   * message.
   */
  readonly beside?: readonly JobRun[]
  /** The shard. Absent when the subscribers of the topic were not read yet. */
  readonly shard?: number
  /**
   * The job's id, under which it takes leases. It stays the same when the platform repeats the job or another
   * invocation continues it.
   */
  readonly turn?: string
  /** The number of shards of the topic. Each shard posts at its part of the account's rate. @default 1 */
  readonly of?: number
  /** The W3C trace context of the call that published, for this function's log lines. */
  readonly traceparent?: string
  /** A retry: post only to these subscriptions, whose earlier posts failed, what the log has from `offset` on. */
  readonly to?: readonly Pick<Subscriber, 'shard' | 'connectionId' | 'id'>[]
}

/** Events of one topic, in the order of its log. */
export type DeliveryPayload = readonly Delivery[]

const slotsPerRead = 100

/** The job that delivers `runs` in one shard. It has the members of the first run; the others are in `beside`. */
export function toJob(
  runs: readonly JobRun[],
  where: Pick<DeliverJob, 'shard' | 'turn' | 'of' | 'traceparent'>,
): DeliverJob {
  const [first = { topic: '' }, ...beside] = runs
  return { ...first, ...defined({ beside: beside.length > 0 ? beside : undefined }), ...where }
}

/** Refers to events of a log by their offsets. An ephemeral event is included in the run. */
export function toRun(deliveries: DeliveryPayload): JobRun {
  const [first] = deliveries
  const last = deliveries.at(-1)
  if (first?.slot === undefined) return { topic: first?.topic ?? '', ...defined({ data: first?.data }) }
  const through = last === first ? undefined : last?.slot?.offset
  return { topic: first.topic, offset: first.slot.offset, ...defined({ through }) }
}

/** One run that covers both runs of the same log and the events between them. */
export function joinRuns(one: JobRun | undefined, other: JobRun): JobRun {
  if (one?.offset === undefined || other.offset === undefined) return other
  const offset = Math.min(one.offset, other.offset)
  const through = Math.max(one.through ?? one.offset, other.through ?? other.offset)
  return { topic: other.topic, offset, ...defined({ through: through > offset ? through : undefined }) }
}

/** Reads the events of a run from the log. Empty when its slots have expired. */
export async function toDeliveries(context: InvocationContext, run: JobRun): Promise<DeliveryPayload> {
  const { topic, offset, through = offset, data } = run
  if (offset === undefined || through === undefined) return data === undefined ? [] : [{ topic, data }]
  const slots: Slot[] = []
  for (let after = offset - 1; after < through; ) {
    const page = await context.store.readSlots(topic, after, Math.min(through - after, slotsPerRead))
    slots.push(...page.slots.filter((slot) => slot.offset <= through && isDeliverable(slot)))
    after = page.slots.at(-1)?.offset ?? through
  }
  return slots.map((slot) => ({ topic, slot }))
}

// [TL-TRACE-2]
export function traceOf({ traceparent }: InvocationContext): Pick<DeliverJob, 'traceparent'> {
  return defined({ traceparent })
}
