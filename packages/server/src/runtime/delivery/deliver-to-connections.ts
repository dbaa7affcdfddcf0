import { setMaxListeners } from 'node:events'
import type { PresenceView } from '../../ports/presence.ts'
import type { Slot, Subscriber } from '../../ports/store.ts'
import { noticeAgeing } from '../connections/reconnect-notice.ts'
import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { evaluate } from '../encoding/replay-results.ts'
import { ephemeralResult, eventResult, faultResult, frameText } from '../encoding/result-frames.ts'
import { oversized, stockBytes } from '../encoding/too-large.ts'
import { cursorOf } from '../log/retention.ts'
import { parseEvents } from '../log/stored-event.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type Posted, post } from '../posting/post.ts'
import { viewResult } from '../presence/rows/views.ts'
import { canReceive } from '../recipients/can-receive.ts'
import type { Delivery } from '../recipients/delivery.ts'
import { endSubscriber } from '../recipients/end-subscriber.ts'
import { createPipeline } from '../recipients/filtered-result.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import { deliverToStock } from '../stock-clients/ordered-delivery.ts'
import { type BatchItem, postBatch } from './connection-batch.ts'

/** Events of one topic, in the order of its log, and whom they are for. */
export interface DeliveryGroup {
  readonly deliveries: readonly Delivery[]
  readonly rows: readonly Subscriber[]
}

export interface DeliverOptions {
  /** Whether this is a retry: then nothing is left to the client's own fetch. */
  readonly again?: boolean
  /**
   * How long what is under way may take once the last post has begun, in milliseconds; what takes longer counts as not posted.
   * @default as long as its budget
   */
  readonly slowPostsMs?: number
  /** Takes the chains that take longer: they hold a lock, and are to be waited for before the function ends. Never rejects. */
  readonly trackPending?: (work: Promise<unknown>) => void
}

const postsAtOnce = 50

/**
 * Posts events to their subscribers, each connection alone: what hangs or fails there stops nobody else [LAW-DEADLINE]. What is for one connection goes together.
 * Prunes the gone; returns, for each parcel, the rows to which something of it could not be posted within the budget and the scope's deadline.
 */
export async function deliverTo(
  scope: InvocationContext,
  parcels: readonly DeliveryGroup[],
  options: DeliverOptions = {},
): Promise<readonly (readonly Subscriber[])[]> {
  for (const { deliveries } of parcels)
    for (const { topic, slot } of deliveries) if (slot !== undefined) await parseEvents(scope, topic, [slot])
  const undelivered = parcels.map(() => new Set<Subscriber>())
  const letters = [...addressed(scope, parcels, undelivered).values()]
  const { late, begun, done } = stragglers(scope, options)
  let next = 0
  const worker = async () => {
    for (let letter = letters[next++]; letter !== undefined; letter = letters[next++])
      await send(scope, letter, options, late)
    begun()
  }
  await Promise.all(Array.from({ length: Math.min(postsAtOnce, letters.length) }, worker))
  done()
  return undelivered.map((rows) => [...rows])
}

/** `late` aborts some time after all has begun, unless all is done by then. */
function stragglers({ clock }: InvocationContext, { slowPostsMs }: DeliverOptions) {
  const [late, ended] = [new AbortController(), new AbortController()]
  let waits = false
  setMaxListeners(0, late.signal) // every post waits for it
  return {
    late: late.signal,
    begun() {
      if (waits || slowPostsMs === undefined) return
      waits = true
      void clock.sleep(slowPostsMs, ended.signal).then(() => late.abort(null))
    },
    done: () => ended.abort(null),
  }
}

/** What was begun may go on: whoever gets it twice drops it. */
function failAll(letter: readonly ConnectionBatch[]): void {
  for (const { fail } of letter) fail()
}

/** A part with the events that it is made of. */
interface ConnectionBatch extends BatchItem {
  readonly deliveries: readonly Delivery[]
}

/** What there is for each connection. */
function addressed(
  scope: InvocationContext,
  parcels: readonly DeliveryGroup[],
  undelivered: readonly Set<Subscriber>[],
): ReadonlyMap<string, readonly ConnectionBatch[]> {
  const letters = new Map<string, ConnectionBatch[]>()
  for (const [index, { deliveries, rows }] of parcels.entries()) {
    const frames = deliveries.map((delivery) => framer(scope, delivery))
    const slots = deliveries.map(({ slot }) => slot)
    for (const row of rows) {
      const parts = letters.get(row.connectionId) ?? []
      letters.set(row.connectionId, parts)
      parts.push({ row, deliveries, frames, slots, fail: () => undelivered[index]?.add(row) })
    }
  }
  return letters
}

/** [LAW-STOCK-ORDER] stands beside: a log's events reach a stock client one at a time. */
async function send(
  scope: InvocationContext,
  letter: readonly ConnectionBatch[],
  { again = false, trackPending = () => {} }: DeliverOptions,
  late: AbortSignal,
): Promise<void> {
  const parts = letter.filter(({ row }) => canReceive(scope, row))
  const ours = parts.filter(({ row }) => row.extensions)
  const stock = parts.filter(({ row }) => !row.extensions)
  await Promise.all([
    ...stock.map((part) => {
      const work = failing(scope, part, () => sendToStock(scope, part))
      return withinDeadline(late, work).catch(() => {
        part.fail()
        trackPending(work)
      })
    }),
    ...(ours.length === 0 || isLeft(scope, ours, again)
      ? []
      : [withinDeadline(late, sendToOurs(scope, ours)).catch(() => failAll(ours))]),
  ])
}

async function sendToOurs(scope: InvocationContext, parts: readonly ConnectionBatch[]): Promise<void> {
  try {
    await postBatch(scope, parts)
  } catch (thrown) {
    for (const part of parts) part.fail()
    scope.server.report({ error: toTRPCError(thrown), path: parts[0]?.row.path, cause: 'delivery' })
  }
}

/**
 * A connection that takes posts too slowly: its rows are handed to a retry that comes when it may be tried again, and what else comes meanwhile is left to that,
 * or to the client, whom the next frame tells what it does not cover.
 */
// [TL-PUSH-2]
function isLeft(scope: InvocationContext, parts: readonly ConnectionBatch[], again: boolean): boolean {
  const { gateway, clock } = scope
  const [first] = parts
  if (gateway === undefined || first === undefined) return false
  const { breaker, counts } = trafficOf(gateway, clock)
  const { connectionId } = first.row
  if (breaker.openFor(connectionId) === 0) return false
  for (const { row, fail } of parts) {
    if (again || !breaker.awaitsRetry(connectionId, row.topic)) fail()
    else {
      counts.left += 1
      scope.telemetry.measure('left', 1)
    }
  }
  return true
}

async function failing(
  scope: InvocationContext,
  { row, fail }: ConnectionBatch,
  work: () => Promise<boolean>,
): Promise<void> {
  try {
    if (!(await work())) fail()
  } catch (thrown) {
    scope.server.report({ error: toTRPCError(thrown), path: row.path, cause: 'delivery' })
    fail()
  }
}

/** Of a log, the chain goes as far as the last of these events. */
async function sendToStock(scope: InvocationContext, { row, deliveries, frames }: ConnectionBatch): Promise<boolean> {
  const slot = deliveries.at(-1)?.slot
  if (slot !== undefined) return deliverToStock(scope, row, slot)
  for (const toFrame of frames) if (!(await postEphemeral(scope, row, toFrame))) return false
  return true
}

async function postEphemeral(scope: InvocationContext, row: Subscriber, toFrame: ToFrame): Promise<boolean> {
  const text = await toFrame(row)
  if (text === undefined || !canReceive(scope, row)) return true
  const posted = await postEvent(scope, row, text)
  if (posted === 'gone') await pruneSubscriber(scope, row)
  if (posted === 'posted') measureDelivery(scope, undefined)
  if (posted === 'posted') await noticeAgeing(scope, row)
  return posted !== 'undelivered'
}

/** What is too large for a stock client ends its subscription. */
async function postEvent(scope: InvocationContext, row: Subscriber, text: string): Promise<Posted> {
  if (Buffer.byteLength(text) <= stockBytes) return post(scope, row.connectionId, text)
  await endSubscriber(scope, row, oversized(text)) // [TL-CHUNK-11]
  return 'posted'
}

type ToFrame = BatchItem['frames'][number]

/** Makes a subscriber's frame; what is the same for all of them is made once. */
function framer(scope: InvocationContext, delivery: Delivery): ToFrame {
  const pipeline = createPipeline(scope, delivery)
  let plain: string | undefined
  const views = new Map<PresenceView, string | undefined>()
  const viewed = (view: PresenceView, slot: Slot, path: string) => {
    if (!views.has(view)) views.set(view, viewResult(scope, delivery.topic, view, slot, path))
    return views.get(view)
  }
  const resultFor = async ({ presence, path, ...row }: Subscriber) => {
    if (presence !== undefined && delivery.slot !== undefined) return viewed(presence.view, delivery.slot, path)
    if (row.piped !== undefined) return pipeline({ ...row, path }, row.piped)
    plain ??= plainResult(scope, delivery, path)
    return plain
  }
  return async (row) => {
    const result = await resultFor(row)
    return result === undefined ? undefined : frameText(row.id, result)
  }
}

function plainResult(scope: InvocationContext, delivery: Delivery, path: string): string {
  if (delivery.slot === undefined) return ephemeralResult(scope.server, JSON.parse(delivery.data))
  const cursor = cursorOf(scope, delivery.slot)
  const evaluated = evaluate(scope, delivery.topic, [], delivery.slot)
  if (evaluated.status === 'match') return eventResult(scope.server, cursor, path, evaluated.event)
  const thrown = evaluated.status === 'failed' ? evaluated.thrown : new Error('This slot holds no event.')
  return faultResult(scope.server, cursor, path, thrown)
}
