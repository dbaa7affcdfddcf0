import type { Slot, Subscriber } from '../ports/store.ts'
import { awaitChains } from './await-chains.ts'
import { withinDeadline } from './deadline.ts'
import { type Delivery, deliverTo } from './deliver-to.ts'
import { inlineMs } from './inline.ts'
import { toTRPCError } from './reply.ts'
import { type ServedScope, within } from './scope.ts'
import { rememberShards } from './shards.ts'

/** What the `deliver` function is invoked with: one event (of a log by `offset`, ephemeral by `data`) for one shard, or for single subscriptions. JSON. */
export interface DeliverJob {
  readonly topic: string
  readonly offset?: number
  /** The event itself, JSON text, where there is no log to read it from. */
  readonly data?: string
  /** Which shard; absent: the audience is not known yet. */
  readonly shard?: number
  /** Where in the shard to go on. */
  readonly from?: string
  /** Only these, whose posts failed before. */
  readonly to?: readonly Pick<Subscriber, 'shard' | 'connectionId' | 'id'>[]
}

/** Subscribers that one function posts to itself. */
const audienceLimit = 100
const receiptSeconds = 24 * 3_600
/** A shard page begins only with this much time left. */
const pageMs = 8_000
/** Kept back from the deadline, to hand on what could not be posted. */
const handOverMs = 2_000
/** For handing on and the receipt, after the posts of an inline delivery. */
const graceMs = 1_000
/** Rows that are read again at one time. */
const readsAtOnce = 50
const shardRows = 5_000

/** Delivers an event right after its append. The receipt is put last, when every row was posted, pruned or handed on; whatever goes wrong before it is made good by the table's stream (DESIGN §8). */
export async function deliverInline(scope: ServedScope, topic: string, slot: Slot): Promise<void> {
  try {
    // The publish is done: a table or a function that hangs now must not make it time out (law 10).
    await within(scope, inlineMs + graceMs, ({ deadline }) =>
      withinDeadline(deadline.signal, deliverWithReceipt(scope, topic, slot)),
    )
  } catch (thrown) {
    // Told and not thrown: the event is durable and has no receipt, so the stream delivers it.
    scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
  }
}

async function deliverWithReceipt(scope: ServedScope, topic: string, slot: Slot): Promise<void> {
  await deliverToAudience(scope, { topic, slot }, inlineMs)
  await scope.store.putReceipt(topic, slot.offset, Math.ceil(scope.clock.now() / 1_000) + receiptSeconds)
}

/** Posts an event to whoever listens now. Nothing makes good what fails. */
export async function deliverEphemeral(scope: ServedScope, topic: string, data: string): Promise<void> {
  await deliverToAudience(scope, { topic, data }, inlineMs)
}

/** Delivers one slot to its topic's audience: posts to a small one, invokes `deliver` for each shard of a large one. Throws when something could neither be posted nor handed on. */
export async function deliverEvent(scope: ServedScope, topic: string, slot: Slot): Promise<void> {
  await deliverToAudience(scope, { topic, slot })
}

async function deliverToAudience(
  scope: ServedScope,
  delivery: Delivery,
  postsMs: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { topic } = delivery
  // Law 3: read strongly, after the append. K comes with the first page of shard 0.
  const page = await scope.store.readSubscribers(topic, 0, { limit: audienceLimit + 1 })
  const shards = page.shards ?? 1
  rememberShards(scope.shardHints, topic, shards)
  if (shards > 1 || page.next !== undefined || page.subscribers.length > audienceLimit) {
    if (scope.invoker === undefined)
      throw new Error(`Topic ${topic} has more than ${audienceLimit} subscribers and no deliver function is bound.`)
    const { invoker } = scope
    await Promise.all(
      Array.from({ length: shards }, (_, shard) => invoker.invoke('deliver', toJob(delivery, { shard }))),
    )
    return
  }
  await deliverOrHandOn(scope, delivery, page.subscribers, postsMs)
}

/** Posts until shortly before the deadline, or for `postsMs`; what could not be posted by then is handed to retry. */
async function deliverOrHandOn(
  scope: ServedScope,
  delivery: Delivery,
  subscribers: readonly Subscriber[],
  postsMs: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const ms = Math.min(postsMs, scope.deadline.at - scope.clock.now() - handOverMs)
  const undelivered = await within(scope, ms, (sooner) => deliverTo(sooner, delivery, subscribers))
  // an ephemeral event is posted at most once
  if (undelivered.length > 0 && delivery.slot !== undefined)
    await handToRetry(scope, delivery.topic, delivery.slot, undelivered)
}

/** One invocation of the `deliver` function. Idempotent: every client drops what it has. Throws when posts fail again, so that the invocation is retried and ends in the on-failure queue. */
export async function deliver(scope: ServedScope, job: DeliverJob): Promise<void> {
  const delivery = await toDelivery(scope, job)
  if (delivery === undefined) return
  if (job.to !== undefined) return deliverAgain(scope, delivery, job.to)
  if (job.shard === undefined) return deliverToAudience(scope, delivery)
  await deliverShard(scope, delivery, job.shard, job.from)
}

async function deliverShard(
  scope: ServedScope,
  delivery: Delivery,
  shard: number,
  first: string | undefined,
): Promise<void> {
  let from = first
  let rows = 0
  let shards: number | undefined
  do {
    if (scope.deadline.at - scope.clock.now() < pageMs && scope.invoker !== undefined)
      return scope.invoker.invoke('deliver', toJob(delivery, { shard, ...(from === undefined ? {} : { from }) }))
    const page = await scope.store.readSubscribers(delivery.topic, shard, from === undefined ? {} : { from })
    rows += page.subscribers.length
    shards ??= page.shards
    await deliverOrHandOn(scope, delivery, page.subscribers)
    from = page.next
  } while (from !== undefined)
  if (shards !== undefined && rows > shardRows) await scope.store.growShards(delivery.topic, shards, shards * 2)
}

async function deliverAgain(scope: ServedScope, delivery: Delivery, to: NonNullable<DeliverJob['to']>): Promise<void> {
  const live = await readAgain(scope, delivery.topic, to)
  const first = await deliverTo(scope, delivery, live)
  const undelivered = await awaitChains(scope, first, async (rows) =>
    deliverTo(scope, delivery, await readAgain(scope, delivery.topic, rows)),
  )
  if (undelivered.length > 0)
    throw new Error(`${undelivered.length} of ${live.length} posts of ${delivery.topic} could not be made.`)
}

/** Those of these rows that are still on, as they stand. */
async function readAgain(
  scope: ServedScope,
  topic: string,
  to: NonNullable<DeliverJob['to']>,
): Promise<readonly Subscriber[]> {
  const live: Subscriber[] = []
  for (let at = 0; at < to.length; at += readsAtOnce) {
    const some = to.slice(at, at + readsAtOnce)
    const rows = await Promise.all(
      some.map(({ shard, connectionId, id }) => scope.store.readSubscriber(topic, shard, connectionId, id)),
    )
    live.push(...rows.filter((row): row is Subscriber => row?.on === true))
  }
  return live
}

async function handToRetry(scope: ServedScope, topic: string, slot: Slot, rows: readonly Subscriber[]): Promise<void> {
  if (scope.invoker === undefined)
    throw new Error(`${rows.length} posts of ${topic} failed and no deliver function is bound to try again.`)
  const to = rows.map(({ shard, connectionId, id }) => ({ shard, connectionId, id }))
  await scope.invoker.invoke('deliver', { topic, offset: slot.offset, to } satisfies DeliverJob)
}

function toJob(delivery: Delivery, where: Pick<DeliverJob, 'shard' | 'from'>): DeliverJob {
  const what = delivery.slot === undefined ? { data: delivery.data } : { offset: delivery.slot.offset }
  return { topic: delivery.topic, ...what, ...where }
}

/** What a job delivers. Undefined when the slot is gone: nothing to deliver any more. */
async function toDelivery(scope: ServedScope, job: DeliverJob): Promise<Delivery | undefined> {
  const { topic, offset, data } = job
  if (offset === undefined) return data === undefined ? undefined : { topic, data }
  const { slots } = await scope.store.readSlots(topic, offset - 1, 1)
  const slot = slots[0]
  return slot?.offset === offset ? { topic, slot } : undefined
}
