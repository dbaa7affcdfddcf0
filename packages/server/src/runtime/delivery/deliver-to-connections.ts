// One file for all posts to connections, since stock clients and clients with extensions share its batches and timer.

import type { Subscriber } from '../../ports/subscribers.ts'
import { noticeAgeing } from '../connections/connect.ts'
import { untilAborted } from '../context/deadline.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { encode, type Frame } from '../encoding/encode.ts'
import { oversized, stockBytes } from '../encoding/result-frames.ts'
import { parseEvents } from '../log/stored-event.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type Posted, post } from '../posting/post.ts'
import { type CanReceive, createCanReceive } from '../recipients/can-receive.ts'
import { postingTo } from '../recipients/current-rows.ts'
import type { Delivery } from '../recipients/delivery.ts'
import { endSubscriber } from '../recipients/end-subscriber.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import { createRecheck } from '../recipients/recheck.ts'
import { deliverToStock } from '../stock-clients/ordered-delivery.ts'
import { type BatchItem, postBatch } from './connection-batch.ts'
import { createFrameMaker } from './frame-maker.ts'

/** Events of one topic, in the order of its log, and their subscribers. */
export interface DeliveryGroup {
  readonly deliveries: readonly Delivery[]
  readonly rows: readonly Subscriber[]
}

export interface DeliverOptions {
  /**
   * Whether this is a retry. A retry leaves no event to the client's own fetch.
   * @default false
   */
  readonly isRetry?: boolean
  /**
   * How long a post may take after the last one has begun, in milliseconds. A slower post counts as not posted.
   * @default the budget of the post
   */
  readonly slowPostsMs?: number
  /**
   * Called with each delivery to a stock client that takes longer. It holds a lock, so the caller must await it before
   * the function ends. The promise never rejects.
   */
  readonly trackPending?: (work: Promise<unknown>) => void
}

/**
 * Posts events to their subscribers. A connection that hangs or fails delays no other [LAW-DEADLINE]. Events for one
 * connection share messages. Prunes rows of connections that are gone. Returns an element for each group: the rows to
 * which something could not be posted within the budget and the deadline.
 */
export async function deliverTo(
  context: InvocationContext,
  groups: readonly DeliveryGroup[],
  options: DeliverOptions = {},
): Promise<readonly (readonly Subscriber[])[]> {
  for (const { deliveries } of groups)
    for (const { topic, slot } of deliveries) if (slot !== undefined) await parseEvents(context, topic, [slot])
  const undelivered = groups.map(() => new Set<Subscriber>())
  const batches = [...batchesOf(context, groups, undelivered).values()]
  const { timedOut, allBegun, allDone } = createSlowPostTimer(context, options)
  const canReceive = createCanReceive(context)
  let begun = 0
  await mapConcurrent(batches, context.server.maxConcurrentPosts, async (batch) => {
    begun += 1
    await deliverBatch(context, batch, { ...options, timedOut, canReceive })
    if (begun === batches.length) allBegun()
  })
  allDone()
  return undelivered.map((rows) => [...rows])
}

/**
 * `timedOut` aborts `slowPostsMs` after the last post has begun, unless all are done by then. Undefined without
 * `slowPostsMs`.
 */
function createSlowPostTimer({ clock }: InvocationContext, { slowPostsMs }: DeliverOptions) {
  if (slowPostsMs === undefined) return { timedOut: undefined, allBegun() {}, allDone() {} }
  const [timedOut, done] = [new AbortController(), new AbortController()]
  let isRunning = false
  return {
    timedOut: timedOut.signal,
    allBegun() {
      if (isRunning) return
      isRunning = true
      void clock.sleep(slowPostsMs, done.signal).then(() => timedOut.abort(null))
    },
    allDone: () => done.abort(null),
  }
}

/** The frames for one subscription, with their events. */
interface SubscriptionItem extends BatchItem {
  readonly deliveries: readonly Delivery[]
}

/** The frames for one connection, of all its subscriptions. */
type ConnectionBatch = readonly SubscriptionItem[]

/** A post that was begun may still succeed. The client drops what it then gets twice. */
function failAll(batch: ConnectionBatch): void {
  for (const { fail } of batch) fail()
}

/** The batches by connection id. */
function batchesOf(
  context: InvocationContext,
  groups: readonly DeliveryGroup[],
  undelivered: readonly Set<Subscriber>[],
): ReadonlyMap<string, ConnectionBatch> {
  const batches = new Map<string, SubscriptionItem[]>()
  const recheck = createRecheck(context)
  for (const [index, { deliveries, rows }] of groups.entries()) {
    const frames = deliveries.map((delivery) => createFrameMaker(context, delivery, recheck))
    const slots = deliveries.map(({ slot }) => slot)
    for (const row of rows) {
      const items = batches.get(row.connectionId) ?? []
      batches.set(row.connectionId, items)
      items.push({ row, deliveries, frames, slots, fail: () => undelivered[index]?.add(row) })
    }
  }
  return batches
}

interface BatchOptions extends DeliverOptions {
  readonly timedOut: AbortSignal | undefined
  readonly canReceive: CanReceive
}

/** Never rejects. */
function deliverBatch(context: InvocationContext, batch: ConnectionBatch, options: BatchOptions): Promise<unknown> {
  const live = takeLive(context, batch, options.canReceive)
  return live instanceof Promise
    ? live.then((items) => postLive(context, items, options))
    : postLive(context, live, options)
}

/** Events of a log reach a stock client one at a time [LAW-STOCK-ORDER]; other clients get a batch in few messages. */
function postLive(
  context: InvocationContext,
  live: ConnectionBatch,
  { isRetry = false, trackPending = () => {}, timedOut, canReceive }: BatchOptions,
): Promise<unknown> {
  const inTime = <T>(work: Promise<T>) => (timedOut === undefined ? work : untilAborted(timedOut, work))
  const stock = live.filter(({ row }) => !row.extensions)
  const posts: Promise<unknown>[] = stock.map((item) => {
    const work = deliverToStockClient(context, item, canReceive)
    return inTime(work).catch(() => {
      item.fail()
      trackPending(work)
    })
  })
  const extended = stock.length === 0 ? live : live.filter(({ row }) => row.extensions)
  if (extended.length > 0 && !skipSlowConnection(context, extended, isRetry))
    posts.push(inTime(postItems(context, extended, canReceive)).catch(() => failAll(extended)))
  return posts.length === 1 && posts[0] !== undefined ? posts[0] : Promise.all(posts)
}

/** The items whose subscribers may be posted to. Fails those for which the table cannot be asked. Never rejects. */
function takeLive(
  context: InvocationContext,
  batch: ConnectionBatch,
  canReceive: CanReceive,
): ConnectionBatch | Promise<ConnectionBatch> {
  const asked = batch.map(({ row }) => ask(canReceive, row))
  if (asked.every((answer) => typeof answer === 'boolean')) return batch.filter((_, index) => asked[index])
  const answers = batch.map(async (item, index) => {
    try {
      return (await asked[index]) === true ? [item] : []
    } catch (thrown) {
      reportDelivery(context, item.row, thrown)
      item.fail()
      return []
    }
  })
  return Promise.all(answers).then((items) => items.flat())
}

/** A row that makes the check throw must not end the delivery to others. */
function ask(canReceive: CanReceive, row: Subscriber): boolean | Promise<boolean> {
  try {
    return canReceive(row)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

async function postItems(context: InvocationContext, items: ConnectionBatch, canReceive: CanReceive): Promise<void> {
  try {
    await postBatch(context, items, canReceive)
  } catch (thrown) {
    failAll(items)
    reportDelivery(context, items[0]?.row, thrown)
  }
}

/**
 * True when the connection's breaker is open, so that nothing is posted now. Rows fail into a retry, which comes when
 * the connection may be tried again. Where such a retry is scheduled already, the event is left to it, or to the
 * client: the next frame says which events it does not cover.
 */
// [TL-PUSH-2]
function skipSlowConnection(context: InvocationContext, items: ConnectionBatch, isRetry: boolean): boolean {
  const { gateway } = context
  const [first] = items
  if (gateway === undefined || first === undefined) return false
  const { breaker, counts } = trafficOf(gateway, context)
  const { connectionId } = first.row
  if (breaker.openFor(connectionId) === 0) return false
  for (const { row, fail } of items) {
    if (isRetry || !breaker.awaitsRetry(connectionId, row.topic)) fail()
    else {
      counts.left += 1
      context.telemetry.measure('left', 1)
    }
  }
  return true
}

/** Never rejects. */
async function deliverToStockClient(
  context: InvocationContext,
  item: SubscriptionItem,
  canReceive: CanReceive,
): Promise<void> {
  try {
    if (!(await postInOrder(context, item, canReceive))) item.fail()
  } catch (thrown) {
    reportDelivery(context, item.row, thrown)
    item.fail()
  }
}

/** False when something was not delivered. Events of a log are read from the log, up to the last of these events. */
async function postInOrder(
  context: InvocationContext,
  { row, deliveries, frames }: SubscriptionItem,
  canReceive: CanReceive,
): Promise<boolean> {
  const slot = deliveries.at(-1)?.slot
  if (slot !== undefined) return deliverToStock(context, row, slot)
  for (const makeFrame of frames) {
    const frame = await makeFrame(row)
    if (frame === undefined || !(await canReceive(row))) continue
    if (!(await postingTo(context, [row], (narrowed) => postEphemeral(narrowed, row, frame)))) return false
  }
  return true
}

async function postEphemeral(context: InvocationContext, row: Subscriber, frame: Frame): Promise<boolean> {
  const posted = await postEvent(context, row, encode(frame))
  if (posted === 'gone') await pruneSubscriber(context, row)
  if (posted === 'posted') measureDelivery(context, undefined)
  if (posted === 'posted') await noticeAgeing(context, row)
  return posted !== 'undelivered'
}

/** An event that is too large for a stock client ends its subscription. */
async function postEvent(context: InvocationContext, row: Subscriber, text: string): Promise<Posted> {
  const bytes = Buffer.byteLength(text)
  if (bytes <= stockBytes) return post(context, row.connectionId, text)
  await endSubscriber(context, row, oversized(bytes)) // [TL-CHUNK-11]
  return 'posted'
}
