import type { Invoker } from '../../ports/invoker.ts'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type InvocationContext, within } from '../context/runtime-context.ts'
import type { Breaker } from '../posting/circuit-breaker.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type DeliverJob, toJob, toRun, traceOf } from './deliver-job.ts'
import { type DeliverOptions, type DeliveryGroup, deliverTo } from './deliver-to-connections.ts'

/** Consecutive slots of one topic, in the order of its log. */
export interface Run {
  readonly topic: string
  readonly slots: readonly Slot[]
}

/** Time before the deadline that is reserved to schedule retries. */
const schedulingMs = 2_000
/** Rows in one retry: its payload stays below 256 KB, the largest message that can be delayed. */
const jobRows = 1_000

/**
 * Posts until shortly before the deadline, or for `postsMs`, and schedules a retry of the posts that are missing by
 * then. Returns an element for each group: the error that kept its retry from being scheduled, or undefined. Events of
 * ephemeral channels are not retried.
 */
export async function deliverWithRetry(
  context: InvocationContext,
  groups: readonly DeliveryGroup[],
  { postsMs = Number.POSITIVE_INFINITY, ...options }: DeliverOptions & { readonly postsMs?: number | undefined } = {},
): Promise<readonly unknown[]> {
  const ms = Math.min(postsMs, context.deadline.at - context.clock.now() - schedulingMs)
  const undelivered = await within(context, ms, (narrowed) => deliverTo(narrowed, groups, options))
  return Promise.all(
    groups.map(({ deliveries }, index) => {
      const slot = deliveries[0]?.slot
      const rows = undelivered[index] ?? []
      if (rows.length === 0 || slot === undefined) return undefined // an ephemeral event is posted at most once
      return scheduleRetry(context, { topic: deliveries[0]?.topic ?? '', slot, rows }).catch(
        (thrown: unknown) => thrown,
      )
    }),
  )
}

async function scheduleRetry(
  context: InvocationContext,
  { topic, slot, rows }: { readonly topic: string; readonly slot: Slot; readonly rows: readonly Subscriber[] },
): Promise<void> {
  const { invoker, telemetry } = context
  if (invoker === undefined)
    throw new Error(
      `${rows.length} posts of topic ${topic} failed and cannot be retried: the backend has no invoker for the deliver function. Give the backend an invoker.`,
    )
  telemetry.measure('scheduledRetries', rows.length)
  const jobs = (of: readonly Subscriber[]) => toJobs(of, { topic, offset: slot.offset, ...traceOf(context) })
  const slow = new Set(rows.filter((row) => pauseOf(context, row) > 0))
  for (const job of jobs(rows.filter((row) => !slow.has(row)))) await invoker.invoke('deliver', job)
  if (slow.size > 0) await scheduleDelayedRetry(context, invoker, { topic, slow: [...slow], jobs: jobs([...slow]) })
}

/**
 * Delays the retry until the breakers may close. Events that are skipped until then are in the log, which the retry
 * reads. The retry starts at once when the invoker cannot delay it.
 */
// [TL-PUSH-2]
async function scheduleDelayedRetry(
  context: InvocationContext,
  invoker: Invoker,
  { topic, slow, jobs }: { topic: string; slow: readonly Subscriber[]; jobs: readonly DeliverJob[] },
): Promise<void> {
  const delayMs = Math.max(...slow.map((row) => pauseOf(context, row)))
  const due = context.clock.now() + delayMs
  for (const job of jobs) {
    const invokeNow = () => invoker.invoke('deliver', job)
    await (invoker.invokeDelayed?.(job, { delayMs }).catch(invokeNow) ?? invokeNow())
  }
  for (const { connectionId } of slow) breakerOf(context)?.noteRetry(connectionId, topic, due)
}

/** Milliseconds for which the breaker of the row's connection stays open. */
function pauseOf(context: InvocationContext, { connectionId }: Subscriber): number {
  return breakerOf(context)?.openFor(connectionId) ?? 0
}

function breakerOf(context: InvocationContext): Breaker | undefined {
  return context.gateway && trafficOf(context.gateway, context).breaker
}

function toJobs(rows: readonly Subscriber[], job: DeliverJob): readonly DeliverJob[] {
  const to = rows.map(({ shard, connectionId, id }) => ({ shard, connectionId, id }))
  return Array.from({ length: Math.ceil(to.length / jobRows) }, (_, n) => ({
    ...job,
    to: to.slice(n * jobRows, (n + 1) * jobRows),
  }))
}

/**
 * Invokes the `deliver` function for a run of slots. The platform retries that invocation and at last puts the job,
 * which names the topic and offsets, into the on-failure queue.
 */
export async function scheduleRunRetry(context: InvocationContext, { topic, slots }: Run): Promise<void> {
  if (context.invoker === undefined)
    throw new Error(
      `Delivery of topic ${topic} failed and cannot be retried: the backend has no invoker for the deliver function. Give the backend an invoker.`,
    )
  await context.invoker.invoke('deliver', toJob([toRun(slots.map((slot) => ({ topic, slot })))], traceOf(context)))
}
