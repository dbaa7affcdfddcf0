import { limits } from '@trunkline/protocol'
import type { Slot, Subscriber } from '../ports/store.ts'
import { awaitChains } from './await-chains.ts'
import { withinDeadline } from './deadline.ts'
import { type Delivery, deliverTo, type Parcel } from './deliver-to.ts'
import { gather } from './gather.ts'
import { inlineMs } from './inline.ts'
import { accountRate } from './pace.ts'
import { toTRPCError } from './reply.ts'
import { type ServedScope, within } from './scope.ts'
import { rememberShards } from './shards.ts'
import { trafficOf } from './traffic.ts'

/** What the `deliver` function is invoked with: events (of a log by `offset`, ephemeral by `data`) for one shard, or for single subscriptions. JSON. */
export interface DeliverJob {
  readonly topic: string
  readonly offset?: number
  /** The last of a run of events that begins at `offset`; absent: that one alone. */
  readonly through?: number
  /** The event itself, JSON text, where there is no log to read it from. */
  readonly data?: string
  /** Which shard; absent: the audience is not known yet. */
  readonly shard?: number
  /** Where in the shard to go on. */
  readonly from?: string
  /** How many shards the topic has, when more than one: each posts at its part of the account's rate. */
  readonly of?: number
  /** Rows of the shard before `from`. */
  readonly rows?: number
  /** W3C trace context of the call that published, for this function's log lines. */
  readonly traceparent?: string
  /** Only these, whose posts failed before: what the log has from `offset` on. */
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
/** More rows in a shard double K. The younger half alone decides: it holds what was put since K last grew, and the old shards stay full though nothing is put there. */
const shardRows = 5_000
/** Rows of a page are no more than can be posted in this time at the rate that the gateway now takes. */
const pageSeconds = 30
/** Rows in one retry: its payload stays below Lambda's 1 MB. */
const jobRows = 2_000
/** Slots that are read at one time. */
const runSlots = 100

/** Delivers an event right after its append. The receipt is put last, when every row was posted, pruned or handed on; whatever goes wrong before it is made good by the table's stream (DESIGN §8). */
export async function deliverInline(scope: ServedScope, topic: string, slot: Slot): Promise<void> {
  try {
    // The publish is done: a table or a function that hangs now must not make it time out (law 10).
    await within(scope, inlineMs + graceMs, ({ deadline }) =>
      withinDeadline(deadline.signal, deliverWithReceipt(scope, topic, slot)),
    )
  } catch (thrown) {
    // Told and not thrown: the event is durable and has no receipt, so the stream delivers it.
    scope.telemetry.measure('failedDeliveries', 1)
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

/** Consecutive slots of one topic, in the order of its log. */
export interface Run {
  readonly topic: string
  readonly slots: readonly Slot[]
}

/**
 * Delivers runs of slots to their topics' audiences: posts to small ones, what is for one connection together; invokes `deliver` for each shard of a large one.
 * Returns for each run what kept something of it from being posted or handed on, or undefined. Topics fail and wait alone (law 11).
 */
export async function deliverRuns(scope: ServedScope, runs: readonly Run[]): Promise<readonly unknown[]> {
  return deliverToAudiences(
    scope,
    runs.map(({ topic, slots }) => slots.map((slot) => ({ topic, slot }))),
  )
}

/** One delivery. Throws when something could neither be posted nor handed on. */
async function deliverToAudience(scope: ServedScope, delivery: Delivery, postsMs?: number): Promise<void> {
  const [thrown] = await deliverToAudiences(scope, [[delivery]], postsMs)
  if (thrown !== undefined) throw thrown
}

/** Events of one topic. */
type Sending = readonly Delivery[]

async function deliverToAudiences(
  scope: ServedScope,
  sendings: readonly Sending[],
  postsMs?: number,
): Promise<readonly unknown[]> {
  const failed: unknown[] = sendings.map(() => undefined)
  const reading = sendings.map(async (deliveries, index) => {
    const rows = await audienceOf(scope, deliveries).catch((thrown: unknown) => {
      failed[index] = thrown
      return undefined
    })
    return rows && { deliveries, rows, index }
  })
  const posting: Promise<void>[] = []
  const postTo = (parcels: readonly (Parcel & { readonly index: number })[]) => {
    posting.push(
      deliverOrHandOn(scope, parcels, postsMs).then((thrown) => {
        for (const [at, { index }] of parcels.entries()) failed[index] = thrown[at]
      }),
    )
  }
  if (reading.length > 1) await gather(scope.clock, reading, postTo)
  else for (const parcel of await Promise.all(reading)) if (parcel !== undefined) postTo([parcel])
  await Promise.all(posting)
  return failed
}

/** Whom to post to; undefined when that was left to `deliver`, or nobody is there. */
async function audienceOf(scope: ServedScope, deliveries: Sending): Promise<readonly Subscriber[] | undefined> {
  const topic = deliveries[0]?.topic
  if (topic === undefined) return undefined
  // Law 3: read strongly, after the append. K comes with the first page of shard 0.
  const page = await scope.store.readSubscribers(topic, 0, { limit: audienceLimit + 1 })
  const shards = page.shards ?? 1
  rememberShards(scope.shardHints, topic, shards)
  if (shards === 1 && page.next === undefined && page.subscribers.length <= audienceLimit) return page.subscribers
  if (scope.invoker === undefined)
    throw new Error(`Topic ${topic} has more than ${audienceLimit} subscribers and no deliver function is bound.`)
  const { invoker } = scope
  const of = shards > 1 ? { of: shards } : {}
  await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      invoker.invoke('deliver', toJob(deliveries, { shard, ...of, ...traceOf(scope) })),
    ),
  )
  return undefined
}

/** Posts until shortly before the deadline, or for `postsMs`; what could not be posted by then is handed to retry. Returns for each parcel what kept it from that. */
async function deliverOrHandOn(
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

/** One invocation of the `deliver` function. Idempotent: every client drops what it has. Throws when posts fail again, so that the invocation is retried and ends in the on-failure queue. */
export async function deliver(scope: ServedScope, job: DeliverJob): Promise<void> {
  if (job.to !== undefined && job.offset !== undefined)
    return deliverAgain(scope, { topic: job.topic, offset: job.offset, to: job.to })
  const deliveries = await toDeliveries(scope, job)
  if (deliveries.length === 0) return
  if (job.shard !== undefined) return deliverShard(scope, deliveries, { ...job, shard: job.shard })
  const [thrown] = await deliverToAudiences(scope, [deliveries])
  if (thrown !== undefined) throw thrown
}

async function deliverShard(
  scope: ServedScope,
  deliveries: Sending,
  job: DeliverJob & { readonly shard: number },
): Promise<void> {
  const { topic, shard, of = 1 } = job
  const pace = scope.gateway && trafficOf(scope.gateway, scope.clock).pace
  pace?.limit(accountRate / of)
  let { from, rows = 0 } = job
  do {
    if (scope.deadline.at - scope.clock.now() < pageMs && scope.invoker !== undefined)
      return scope.invoker.invoke('deliver', { ...job, ...(from === undefined ? {} : { from, rows }) })
    const limit = Math.max(audienceLimit, Math.floor((pace?.rate() ?? accountRate) * pageSeconds))
    const page = await scope.store.readSubscribers(topic, shard, { limit, ...(from === undefined ? {} : { from }) })
    rows += page.subscribers.length
    const [thrown] = await deliverOrHandOn(scope, [{ deliveries, rows: page.subscribers }])
    if (thrown !== undefined) throw thrown
    from = page.next
  } while (from !== undefined)
  if (rows > shardRows && shard >= Math.floor(of / 2)) await scope.store.growShards(topic, of, of * 2)
}

/** Posts what the log has from a failed event on: what was left out meanwhile goes with it. */
// [TL-PUSH-2]
async function deliverAgain(
  scope: ServedScope,
  { topic, offset, to }: Required<Pick<DeliverJob, 'topic' | 'offset' | 'to'>>,
): Promise<void> {
  const slots = await readTail(scope, topic, offset)
  if (slots.length === 0) return
  const deliveries = slots.map((slot) => ({ topic, slot }))
  const tried = async (rows: readonly Subscriber[]) =>
    (await deliverTo(scope, [{ deliveries, rows }], { again: true }))[0] ?? []
  scope.telemetry.measure('redriven', to.length)
  const live = await readAgain(scope, topic, to)
  const undelivered = await awaitChains(scope, await tried(live), async (rows) =>
    tried(await readAgain(scope, topic, rows)),
  )
  if (undelivered.length > 0)
    throw new Error(`${undelivered.length} of ${live.length} posts of ${topic} could not be made.`)
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
  const { invoker } = scope
  if (invoker === undefined)
    throw new Error(`${rows.length} posts of ${topic} failed and no deliver function is bound to try again.`)
  scope.telemetry.measure('handedOn', rows.length)
  for (let at = 0; at < rows.length; at += jobRows) {
    const to = rows.slice(at, at + jobRows).map(({ shard, connectionId, id }) => ({ shard, connectionId, id }))
    await invoker.invoke('deliver', { topic, offset: slot.offset, to, ...traceOf(scope) } satisfies DeliverJob)
  }
}

/** Hands runs of slots to the `deliver` function, which is tried again by itself and whose failures land in the on-failure queue by topic and offset. */
export async function handOnRun(scope: ServedScope, run: Run): Promise<void> {
  if (scope.invoker === undefined) throw new Error('No deliver function is bound to try again.')
  await scope.invoker.invoke(
    'deliver',
    toJob(
      run.slots.map((slot) => ({ topic: run.topic, slot })),
      traceOf(scope),
    ),
  )
}

// [TL-TRACE-2]
function traceOf({ traceparent }: ServedScope): Pick<DeliverJob, 'traceparent'> {
  return traceparent === undefined ? {} : { traceparent }
}

function toJob(deliveries: Sending, where: Pick<DeliverJob, 'shard' | 'of' | 'traceparent'>): DeliverJob {
  const [first] = deliveries
  const last = deliveries.at(-1)
  if (first?.slot === undefined) return { topic: first?.topic ?? '', ...(first && { data: first.data }), ...where }
  const through = last?.slot === undefined || last === first ? {} : { through: last.slot.offset }
  return { topic: first.topic, offset: first.slot.offset, ...through, ...where }
}

/** What a job delivers. Nothing when its slots are gone. */
async function toDeliveries(scope: ServedScope, job: DeliverJob): Promise<Sending> {
  const { topic, offset, through = offset, data } = job
  if (offset === undefined || through === undefined) return data === undefined ? [] : [{ topic, data }]
  const slots: Slot[] = []
  for (let after = offset - 1; after < through; ) {
    const page = await scope.store.readSlots(topic, after, Math.min(through - after, runSlots))
    slots.push(...page.slots.filter((slot) => slot.offset <= through && slot.data !== undefined))
    after = page.slots.at(-1)?.offset ?? through
  }
  return slots.map((slot) => ({ topic, slot }))
}

/** The events from an offset on that one message carries, and the newest where they are more: it tells what it does not cover, and the client fetches. */
async function readTail(scope: ServedScope, topic: string, offset: number): Promise<readonly Slot[]> {
  const page = await scope.store.readSlots(topic, offset - 1, runSlots)
  let bytes = 0
  const end = page.slots.findIndex(({ data = '' }, index) => {
    bytes += Buffer.byteLength(data)
    return index > 0 && bytes > limits.pageBytes.value
  })
  const some = end === -1 ? page.slots : page.slots.slice(0, end)
  const newest = page.more || end !== -1 ? (await scope.store.readSlotsBefore(topic, undefined, 1)).slots : []
  return [...some, ...newest.filter((slot) => slot.offset > (some.at(-1)?.offset ?? 0))].filter(
    ({ data }) => data !== undefined,
  )
}
