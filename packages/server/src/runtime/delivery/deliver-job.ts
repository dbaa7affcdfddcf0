import type { Slot, Subscriber } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import type { Delivery } from '../recipients/delivery.ts'

/** Events of one topic: consecutive ones of its log, or one of an ephemeral channel. */
export interface JobRun {
  readonly topic: string
  readonly offset?: number
  /** The last of a run of events that begins at `offset`; absent: that one alone. */
  readonly through?: number
  /** The event itself, JSON text, where there is no log to read it from. */
  readonly data?: string
  /** Where in the shard to go on. */
  readonly from?: string
  /** Rows of the shard before `from`. */
  readonly rows?: number
  /** Names the taking of the turn that goes on there. */
  readonly taking?: string
}

/** What the `deliver` function is invoked with: events for one shard, or for single subscriptions. JSON. */
export interface DeliverJob extends JobRun {
  /** Runs of other topics for the same shard, which holds the same connections: what is for one of them leaves together. */
  readonly beside?: readonly JobRun[]
  /** Which shard; absent: the audience is not known yet. */
  readonly shard?: number
  /** Names the job, for its turn at the shard: the same when the platform repeats it, and when it goes on in another invocation. */
  readonly turn?: string
  /** How many shards the topic has, when more than one: each posts at its part of the account's rate. */
  readonly of?: number
  /** W3C trace context of the call that published, for this function's log lines. */
  readonly traceparent?: string
  /** Only these, whose posts failed before: what the log has from `offset` on. */
  readonly to?: readonly Pick<Subscriber, 'shard' | 'connectionId' | 'id'>[]
}

/** Events of one topic, in the order of its log. */
export type DeliveryPayload = readonly Delivery[]

/** Slots that are read at one time. */
const runSlots = 100

/** The job of the first run, with the others beside it. */
export function toJob(
  runs: readonly JobRun[],
  where: Pick<DeliverJob, 'shard' | 'turn' | 'of' | 'traceparent'>,
): DeliverJob {
  const [first = { topic: '' }, ...beside] = runs
  return { ...first, ...(beside.length > 0 && { beside }), ...where }
}

/** How a job names these events; an ephemeral one goes with it. */
export function toRun(deliveries: DeliveryPayload): JobRun {
  const [first] = deliveries
  const last = deliveries.at(-1)
  if (first?.slot === undefined) return { topic: first?.topic ?? '', ...(first && { data: first.data }) }
  const through = last?.slot === undefined || last === first ? {} : { through: last.slot.offset }
  return { topic: first.topic, offset: first.slot.offset, ...through }
}

/** Runs of one log: from the first of either to the last. */
export function joinRuns(one: JobRun | undefined, other: JobRun): JobRun {
  if (one?.offset === undefined || other.offset === undefined) return other
  const offset = Math.min(one.offset, other.offset)
  const through = Math.max(one.through ?? one.offset, other.through ?? other.offset)
  return { topic: other.topic, offset, ...(through > offset && { through }) }
}

/** What a run delivers. Nothing when its slots are gone. */
export async function toDeliveries(scope: InvocationContext, run: JobRun): Promise<DeliveryPayload> {
  const { topic, offset, through = offset, data } = run
  if (offset === undefined || through === undefined) return data === undefined ? [] : [{ topic, data }]
  const slots: Slot[] = []
  for (let after = offset - 1; after < through; ) {
    const page = await scope.store.readSlots(topic, after, Math.min(through - after, runSlots))
    slots.push(...page.slots.filter((slot) => slot.offset <= through && slot.data !== undefined))
    after = page.slots.at(-1)?.offset ?? through
  }
  return slots.map((slot) => ({ topic, slot }))
}

// [TL-TRACE-2]
export function traceOf({ traceparent }: InvocationContext): Pick<DeliverJob, 'traceparent'> {
  return traceparent === undefined ? {} : { traceparent }
}
