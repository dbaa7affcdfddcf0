import { randomName } from '../../ports/clock.ts'
import type { Slot, Subscriber } from '../../ports/store.ts'
import { withinDeadline } from '../context/deadline.ts'
import { type InvocationContext, within } from '../context/scope.ts'
import { rememberShards } from '../context/shard-hints.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import type { Delivery } from '../recipients/delivery.ts'
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
import { deliverAgain } from './redeliver.ts'
import { deliverWithRetry, type Run } from './schedule-retry.ts'

/** How long a publisher means to take for delivering its own event, in milliseconds; after it the table's stream does. */
export const inlineMs = 2_000

/** Subscribers that one function posts to itself. */
const audienceLimit = 100
const receiptSeconds = 24 * 3_600
/** For handing on and the receipt, after the posts of an inline delivery. */
const graceMs = 1_000

/**
 * Delivers an event right after its append. The receipt is put last, when every row was posted, pruned or handed on; whatever goes wrong before it is made good
 * by the table's stream (DESIGN §8).
 */
export async function deliverInline(scope: InvocationContext, topic: string, slot: Slot): Promise<void> {
  try {
    // The publish is done: a table or a function that hangs now must not make it time out [LAW-DEADLINE].
    await within(scope, inlineMs + graceMs, ({ deadline }) =>
      withinDeadline(deadline.signal, deliverWithReceipt(scope, topic, slot)),
    )
  } catch (thrown) {
    // Told and not thrown: the event is durable and has no receipt, so the stream delivers it.
    scope.telemetry.measure('failedDeliveries', 1)
    scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
  }
}

async function deliverWithReceipt(scope: InvocationContext, topic: string, slot: Slot): Promise<void> {
  await deliverToAudience(scope, { topic, slot }, inlineMs)
  await scope.store.putReceipt(topic, slot.offset, Math.ceil(scope.clock.now() / 1_000) + receiptSeconds)
}

/** Posts an event to whoever listens now. Nothing makes good what fails. */
export async function deliverEphemeral(scope: InvocationContext, topic: string, data: string): Promise<void> {
  await deliverToAudience(scope, { topic, data }, inlineMs)
}

/**
 * Delivers runs of slots to their topics' audiences: posts to small ones, what is for one connection together; invokes `deliver` for each shard of a large one.
 * Returns for each run what kept something of it from being posted or handed on, or undefined. Topics fail and wait alone [LAW-ISOLATION].
 */
export async function deliverRuns(scope: InvocationContext, runs: readonly Run[]): Promise<readonly unknown[]> {
  return deliverToAudiences(
    scope,
    runs.map(({ topic, slots }) => slots.map((slot) => ({ topic, slot }))),
  )
}

/** One delivery. Throws when something could neither be posted nor handed on. */
async function deliverToAudience(scope: InvocationContext, delivery: Delivery, postsMs?: number): Promise<void> {
  const [thrown] = await deliverToAudiences(scope, [[delivery]], postsMs)
  if (thrown !== undefined) throw thrown
}

/** Events of one topic, and their place among the topics that are delivered together. */
interface Indexed {
  readonly deliveries: DeliveryPayload
  readonly index: number
}

/** Whom events are for: rows to post to, or as many shards as are left to `deliver`. */
type Audience = Indexed & ({ readonly rows: readonly Subscriber[] } | { readonly shards: number })

async function deliverToAudiences(
  scope: InvocationContext,
  sendings: readonly DeliveryPayload[],
  postsMs?: number,
): Promise<readonly unknown[]> {
  const failed: unknown[] = sendings.map(() => undefined)
  const fail = (those: readonly Indexed[], thrown: (at: number) => unknown) => {
    for (const [at, { index }] of those.entries()) failed[index] = thrown(at)
  }
  const reading = sendings.map((deliveries, index) =>
    audienceOf(scope, { deliveries, index }).catch((thrown: unknown) => {
      failed[index] = thrown
      return undefined
    }),
  )
  const delivering: Promise<void>[] = []
  const take = (ready: readonly (Audience | undefined)[]) => {
    const few = ready.filter((audience) => audience !== undefined && 'rows' in audience)
    if (few.length > 0)
      delivering.push(deliverWithRetry(scope, few, { postsMs }).then((thrown) => fail(few, (at) => thrown[at])))
    for (const [shards, many] of byShards(ready))
      delivering.push(leaveToShards(scope, shards, many).catch((thrown: unknown) => fail(many, () => thrown)))
  }
  if (reading.length > 1) await collectReady(scope.clock, reading, take)
  else take(await Promise.all(reading))
  await Promise.all(delivering)
  return failed
}

/** Whom to post to; undefined without events. */
async function audienceOf(scope: InvocationContext, sending: Indexed): Promise<Audience | undefined> {
  const topic = sending.deliveries[0]?.topic
  if (topic === undefined) return undefined
  // [LAW-REGISTER-THEN-READ]: read strongly, after the append. K comes with the first page of shard 0.
  const page = await scope.store.readSubscribers(topic, 0, { limit: audienceLimit + 1 })
  const shards = page.shards ?? 1
  rememberShards(scope.shardHints, topic, shards)
  const isWhole = shards === 1 && page.next === undefined && page.subscribers.length <= audienceLimit
  return isWhole ? { ...sending, rows: page.subscribers } : { ...sending, shards }
}

/** Topics of as many shards have each connection in the same one: most of them, the younger rows at least. */
function byShards(audiences: readonly (Audience | undefined)[]): ReadonlyMap<number, readonly Indexed[]> {
  const groups = new Map<number, Indexed[]>()
  for (const audience of audiences)
    if (audience !== undefined && 'shards' in audience)
      groups.set(audience.shards, [...(groups.get(audience.shards) ?? []), audience])
  return groups
}

/** A job takes one turn for each topic: what lies between two runs of a batch is in the log, and goes with them. */
function oneForEachTopic(runs: readonly JobRun[]): readonly JobRun[] {
  const merged = new Map<string, JobRun>()
  for (const run of runs) merged.set(run.topic, joinRuns(merged.get(run.topic), run))
  return [...merged.values()]
}

/** Invokes `deliver` for each shard, with all topics that have as many. */
async function leaveToShards(scope: InvocationContext, shards: number, sendings: readonly Indexed[]): Promise<void> {
  const { invoker } = scope
  const runs = oneForEachTopic(sendings.map(({ deliveries }) => toRun(deliveries)))
  if (invoker === undefined)
    throw new Error(
      `Topic ${runs[0]?.topic} has more than ${audienceLimit} subscribers and no deliver function is bound.`,
    )
  const of = shards > 1 ? { of: shards } : {}
  await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      invoker.invoke('deliver', toJob(runs, { shard, turn: randomName(scope.clock, 12), ...of, ...traceOf(scope) })),
    ),
  )
}

/**
 * One invocation of the `deliver` function. Idempotent: every client drops what it has. Throws when posts fail again, so that the invocation is retried and ends
 * in the on-failure queue.
 */
export async function deliver(scope: InvocationContext, job: DeliverJob): Promise<void> {
  if (job.to !== undefined && job.offset !== undefined)
    return deliverAgain(scope, { topic: job.topic, offset: job.offset, to: job.to })
  if (job.shard !== undefined) return deliverShard(scope, { ...job, shard: job.shard })
  const [thrown] = await deliverToAudiences(scope, [await toDeliveries(scope, job)])
  if (thrown !== undefined) throw thrown
}
