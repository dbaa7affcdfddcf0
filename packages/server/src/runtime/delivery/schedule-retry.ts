import type { Invoker } from '../../ports/invoker.ts'
import type { Slot, Subscriber } from '../../ports/store.ts'
import { type InvocationContext, within } from '../context/scope.ts'
import type { Breaker } from '../posting/circuit-breaker.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type DeliverJob, toJob, toRun, traceOf } from './deliver-job.ts'
import { type DeliverOptions, type DeliveryGroup, deliverTo } from './deliver-to-connections.ts'

/** Consecutive slots of one topic, in the order of its log. */
export interface Run {
  readonly topic: string
  readonly slots: readonly Slot[]
}

/** Kept back from the deadline, to hand on what could not be posted. */
const handOverMs = 2_000
/** Rows in one retry: its payload stays below the 256 KB of a message that is delayed. */
const jobRows = 1_000

/**
 * Posts until shortly before the deadline, or for `postsMs`; what could not be posted by then is handed to retry. Returns for each parcel what kept it from
 * that.
 */
export async function deliverWithRetry(
  scope: InvocationContext,
  parcels: readonly DeliveryGroup[],
  { postsMs = Number.POSITIVE_INFINITY, ...options }: DeliverOptions & { readonly postsMs?: number | undefined } = {},
): Promise<readonly unknown[]> {
  const ms = Math.min(postsMs, scope.deadline.at - scope.clock.now() - handOverMs)
  const undelivered = await within(scope, ms, (sooner) => deliverTo(sooner, parcels, options))
  return Promise.all(
    parcels.map(({ deliveries }, index) => {
      const slot = deliveries[0]?.slot
      const rows = undelivered[index] ?? []
      if (rows.length === 0 || slot === undefined) return undefined // an ephemeral event is posted at most once
      return startRetry(scope, deliveries[0]?.topic ?? '', slot, rows).catch((thrown: unknown) => thrown)
    }),
  )
}

async function startRetry(
  scope: InvocationContext,
  topic: string,
  slot: Slot,
  rows: readonly Subscriber[],
): Promise<void> {
  const { invoker, telemetry } = scope
  if (invoker === undefined)
    throw new Error(`${rows.length} posts of ${topic} failed and no deliver function is bound to try again.`)
  telemetry.measure('handedOn', rows.length)
  const jobs = (of: readonly Subscriber[]) => toJobs(of, { topic, offset: slot.offset, ...traceOf(scope) })
  const slow = new Set(rows.filter((row) => pauseOf(scope, row) > 0))
  for (const job of jobs(rows.filter((row) => !slow.has(row)))) await invoker.invoke('deliver', job)
  if (slow.size > 0) await scheduleDelayedRetry(scope, invoker, { topic, slow: [...slow], jobs: jobs([...slow]) })
}

/** When the breakers may close: what is left out until then is in the log, which the retry reads. Sooner, where nothing can be delayed. */
// [TL-PUSH-2]
async function scheduleDelayedRetry(
  scope: InvocationContext,
  invoker: Invoker,
  { topic, slow, jobs }: { topic: string; slow: readonly Subscriber[]; jobs: readonly DeliverJob[] },
): Promise<void> {
  const delayMs = Math.max(...slow.map((row) => pauseOf(scope, row)))
  const due = scope.clock.now() + delayMs
  for (const job of jobs) {
    const now = () => invoker.invoke('deliver', job)
    await (invoker.invokeDelayed?.(job, { delayMs }).catch(now) ?? now())
  }
  for (const { connectionId } of slow) breakerOf(scope)?.noteRetry(connectionId, topic, due)
}

/** How long its connection's breaker stays open. */
function pauseOf(scope: InvocationContext, { connectionId }: Subscriber): number {
  return breakerOf(scope)?.openFor(connectionId) ?? 0
}

function breakerOf({ gateway, clock }: InvocationContext): Breaker | undefined {
  return gateway && trafficOf(gateway, clock).breaker
}

function toJobs(rows: readonly Subscriber[], job: DeliverJob): readonly DeliverJob[] {
  const to = rows.map(({ shard, connectionId, id }) => ({ shard, connectionId, id }))
  return Array.from({ length: Math.ceil(to.length / jobRows) }, (_, n) => ({
    ...job,
    to: to.slice(n * jobRows, (n + 1) * jobRows),
  }))
}

/** Hands a run of slots to the `deliver` function, which is tried again by itself and whose failures land in the on-failure queue by topic and offset. */
export async function scheduleRunRetry(scope: InvocationContext, { topic, slots }: Run): Promise<void> {
  if (scope.invoker === undefined) throw new Error('No deliver function is bound to try again.')
  await scope.invoker.invoke('deliver', toJob([toRun(slots.map((slot) => ({ topic, slot })))], traceOf(scope)))
}
