import type { Slot, Subscriber } from '../ports/store.ts'
import { type DeliverJob, toJob, toRun, traceOf } from './deliver-job.ts'
import { deliverTo, type Parcel } from './deliver-to.ts'
import { type ServedScope, within } from './scope.ts'

/** Consecutive slots of one topic, in the order of its log. */
export interface Run {
  readonly topic: string
  readonly slots: readonly Slot[]
}

/** Kept back from the deadline, to hand on what could not be posted. */
const handOverMs = 2_000
/** Rows in one retry: its payload stays below Lambda's 1 MB. */
const jobRows = 2_000

/** Posts until shortly before the deadline, or for `postsMs`; what could not be posted by then is handed to retry. Returns for each parcel what kept it from that. */
export async function deliverOrHandOn(
  scope: ServedScope,
  parcels: readonly Parcel[],
  postsMs: number = Number.POSITIVE_INFINITY,
): Promise<readonly unknown[]> {
  const ms = Math.min(postsMs, scope.deadline.at - scope.clock.now() - handOverMs)
  const undelivered = await within(scope, ms, (sooner) => deliverTo(sooner, parcels))
  return Promise.all(
    parcels.map(({ deliveries }, index) => {
      const slot = deliveries[0]?.slot
      const rows = undelivered[index] ?? []
      if (rows.length === 0 || slot === undefined) return undefined // an ephemeral event is posted at most once
      return handToRetry(scope, deliveries[0]?.topic ?? '', slot, rows).catch((thrown: unknown) => thrown)
    }),
  )
}

async function handToRetry(scope: ServedScope, topic: string, slot: Slot, rows: readonly Subscriber[]): Promise<void> {
  const { invoker } = scope
  if (invoker === undefined)
    throw new Error(`${rows.length} posts of ${topic} failed and no deliver function is bound to try again.`)
  scope.telemetry.measure('handedOn', rows.length)
  for (let at = 0; at < rows.length; at += jobRows) {
    const to = rows.slice(at, at + jobRows).map(({ shard, connectionId, id }) => ({ shard, connectionId, id }))
    await invoker.invoke('deliver', { topic, offset: slot.offset, to, ...traceOf(scope) } satisfies DeliverJob)
  }
}

/** Hands a run of slots to the `deliver` function, which is tried again by itself and whose failures land in the on-failure queue by topic and offset. */
export async function handOnRun(scope: ServedScope, { topic, slots }: Run): Promise<void> {
  if (scope.invoker === undefined) throw new Error('No deliver function is bound to try again.')
  await scope.invoker.invoke('deliver', toJob([toRun(slots.map((slot) => ({ topic, slot })))], traceOf(scope)))
}
