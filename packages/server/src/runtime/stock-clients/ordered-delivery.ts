// One file for the whole ordered delivery, since each step must release the lock in its own way when it ends.

import { type ChunkCursor, type DataResult, formatChunkCursor } from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import type { PipeStep } from '../../define/subscription.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { noticeAgeing } from '../connections/connect.ts'
import { reportingRow } from '../context/failure-source.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import { type InvocationContext, within } from '../context/runtime-context.ts'
import { gapError } from '../context/trunkline-error.ts'
import { encode, RawJson, type Result, sizeOf } from '../encoding/encode.ts'
import { errorFrame, silentErrorBody } from '../encoding/error-response.ts'
import {
  type Evaluated,
  evaluate,
  eventResult,
  outcomeError,
  oversized,
  stockBytes,
} from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import { post } from '../posting/post.ts'
import { type PostedOnce, postOnce } from '../posting/post-once.ts'
import { endSession } from '../presence/rows/disconnect-session.ts'
import { viewPipes } from '../presence/rows/views.ts'
import { postingTo } from '../recipients/current-rows.ts'
import { pipeOf } from '../recipients/filtered-result.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import { createRecheck, pipedOf } from '../recipients/recheck.ts'
import { replayTopic } from '../streams/replay-stream.ts'
import {
  acquireLock,
  disconnectUncertain,
  hasReached,
  releaseLock,
  type SubscriptionLock,
} from './subscription-lock.ts'

/**
 * How a delivery ended.
 * - `done`: nothing is left to post.
 * - `undelivered`: another function holds the lock, or a post failed.
 * - `timed-out`: the time to hold the lock is over, and the lock is free.
 */
export type OrderedResult = 'done' | 'undelivered' | 'timed-out'

/** A lock is held for at most this long, so that the death of its holder is noticed soon. */
const holdMs = 20_000
const maxEmptyReads = 3 // in a row
/** The lock is acquired again only with this much time left. */
const minRemainingMs = 3_000

/**
 * Delivers a slot to a stock client, which neither orders nor deduplicates events. The holder of the subscription's
 * lock reads the log from the stored position and posts one event at a time [LAW-STOCK-ORDER]. False when the slot was
 * not delivered: another function holds the lock and has recorded the offset, or a post failed. Throws when the store
 * is unreachable.
 */
// [TL-CHAIN-1] [TL-CHAIN-2]
export async function deliverToStock(context: InvocationContext, row: Subscriber, slot: Slot): Promise<boolean> {
  for (;;) {
    const result = await within(context, holdMs, (narrowed) => deliverOnce(narrowed, row, slot))
    if (result !== 'timed-out') return result === 'done'
    if (context.deadline.at - context.clock.now() < minRemainingMs) return false
  }
}

async function deliverOnce(context: InvocationContext, row: Subscriber, slot: Slot): Promise<OrderedResult> {
  if (hasReached(context, row, slot)) return 'done'
  const lock = await acquireLock(context, row, slot)
  if (lock === 'off') return 'done'
  if (lock === 'held') return 'undelivered'
  if (lock === 'dead') return disconnect(context, row)
  return releaseOnError(context, lock, async () => {
    const pipe = await pipeFor(context, lock.row)
    if (pipe === undefined) return 'done'
    const { epoch, offset } = cursorOf(context, slot)
    const next = lock.at.chunk === undefined ? lock.at.offset + 1 : lock.at.offset
    const isNext = lock.at.epoch === epoch && offset === next
    return postFromLog(context, lock, { pipe, offset: slot.offset, slots: isNext ? [slot] : [] })
  })
}

/** Undefined when the subscription's middlewares refused, which has ended the subscription. */
async function pipeFor(context: InvocationContext, row: Subscriber): Promise<readonly PipeStep[] | undefined> {
  if (row.presence !== undefined) return viewPipes[row.presence.view]
  const piped = pipedOf(row)
  return piped === undefined ? [] : pipeOf(context, row, piped)
}

/** How far to post through which steps, and the slots after the lock's position that were read already. */
export interface PostTarget {
  readonly pipe: readonly PipeStep[]
  readonly offset: number
  readonly slots: readonly Slot[]
}

/**
 * Posts the slots of `target`, then what the log has after them, until no further offset is requested of this holder.
 */
// [TL-CHAIN-2]
export async function postFromLog(
  context: InvocationContext,
  lock: SubscriptionLock,
  target: PostTarget,
): Promise<OrderedResult> {
  const log = { topic: lock.row.topic, retentionMs: context.retentionOf(channelOfTopic(lock.row.topic)) ?? 0 }
  const lastOf = (slots: readonly Slot[]) => slots.at(-1)?.offset ?? lock.at.offset
  const { pipe } = target
  let { slots } = target
  let emptyReads = 0
  for (let isBehind = lastOf(slots) < target.offset; ; ) {
    if (slots.length > 0 && !(await createRecheck(context)(lock.row))) return 'done'
    const result = await postSlots(context, lock, { pipe, slots })
    if (result !== undefined) return result
    if (!isBehind && (await releaseUnlessRequested(context, lock))) return 'done'
    const replayed = await replayTopic(context, log, lock.at)
    if (replayed.gap !== undefined) return endWith(context, lock, gapError(replayed.gap))
    slots = replayed.slots
    isBehind = lastOf(slots) < Math.max(replayed.head.offset, target.offset)
    emptyReads = slots.length === 0 ? emptyReads + 1 : 0
    if (emptyReads > maxEmptyReads) break // the requested offset is not in the log
  }
  await releaseLock(context, lock)
  return lock.at.offset >= target.offset ? 'done' : 'undelivered'
}

/** False when a later offset is requested: then the lock is kept. */
async function releaseUnlessRequested(context: InvocationContext, { row, by, at }: SubscriptionLock): Promise<boolean> {
  return (
    (await context.store.releaseDeliveryLock(row, { by, at: formatChunkCursor(at), unless: at.offset })) !== 'requested'
  )
}

/** Posts the slots that pass the pipe, each one after the one before has arrived. Undefined when all were posted. */
async function postSlots(
  context: InvocationContext,
  lock: SubscriptionLock,
  { pipe, slots }: Pick<PostTarget, 'pipe' | 'slots'>,
): Promise<OrderedResult | undefined> {
  for (const slot of slots) {
    const at = cursorOf(context, slot)
    const { offset, chunk } = lock.at
    const skip = chunk === undefined ? undefined : { offset, chunks: chunk }
    const evaluated = evaluate(context, { ...lock.row, pipe, skip }, slot)
    if (evaluated.status === 'failed') reportDelivery(context, lock.row, evaluated.thrown)
    if (evaluated.status === 'anew') return endWith(context, lock, gapError('restarted'))
    if (evaluated.status === 'closed') return endWithOutcome(context, lock, evaluated.outcome)
    for (const { cursor, event } of eventsOf(at, evaluated)) {
      const result = eventResult(context.server, { cursor, path: lock.row.path }, event)
      const ended = result.type === 'data' ? await postData(context, lock, result) : undefined
      if (ended !== undefined) return ended
      if (result.type === 'data') measureDelivery(context, slot)
      lock.at = cursor
    }
    lock.at = at
  }
  return undefined
}

/**
 * The events of a slot, each with its cursor: one, or each chunk. None for a slot that a filter leaves out, and for one
 * whose filter or map threw: this is reported to the application's `onError`, since stock clients have no frame for it.
 */
// [TL-CHAIN-4] [TL-STREAM-2]
function eventsOf(
  at: ChunkCursor,
  evaluated: Evaluated,
): readonly { readonly cursor: ChunkCursor; readonly event: unknown }[] {
  if (evaluated.status === 'match') return [{ cursor: at, event: evaluated.event }]
  if (evaluated.status !== 'chunks') return []
  return evaluated.chunks.map((event, index) => {
    const place = evaluated.places[index] as number // one for each chunk
    return { cursor: place === evaluated.of ? at : { ...at, chunk: place }, event }
  })
}

async function postData(
  context: InvocationContext,
  lock: SubscriptionLock,
  result: DataResult,
): Promise<OrderedResult | undefined> {
  const bytes = sizeOf(result)
  if (bytes > stockBytes) return endWith(context, lock, oversized(bytes)) // [TL-CHUNK-11]
  return postUnderLock(context, lock, result)
}

/**
 * Posts one result to the lock's subscription. Undefined when it was posted; otherwise the lock is released or gone.
 */
export async function postUnderLock(
  context: InvocationContext,
  lock: SubscriptionLock,
  result: Result,
): Promise<OrderedResult | undefined> {
  const { row } = lock
  if (!(await lock.canReceive(row))) {
    await releaseLock(context, lock)
    return 'done' // the resume under a new token replays what expired authority withholds
  }
  const text = encode({ id: new RawJson(row.id), result })
  const posted = await postingTo(context, [row], (narrowed) => postOnce(narrowed, row.connectionId, text))
  if (posted === 'posted') return void (await noticeAgeing(context, row))
  return afterFailedPost(context, lock, posted)
}

async function afterFailedPost(
  context: InvocationContext,
  lock: SubscriptionLock,
  posted: Exclude<PostedOnce, 'posted'>,
): Promise<OrderedResult> {
  if (posted === 'uncertain') return disconnect(context, lock.row)
  if (posted === 'gone') {
    await pruneSubscriber(context, lock.row)
    return 'done'
  }
  await releaseLock(context, lock)
  return posted === 'timed-out' ? 'timed-out' : 'undelivered'
}

async function disconnect(context: InvocationContext, row: Subscriber): Promise<OrderedResult> {
  return (await disconnectUncertain(context, row)) ? 'done' : 'undelivered'
}

/**
 * Posts an error, which ends the subscription at the client: a gap, or an event that fits no message. Then deletes the
 * row.
 */
async function endWith(context: InvocationContext, lock: SubscriptionLock, thrown: unknown): Promise<OrderedResult> {
  const { row } = lock
  const request = { id: new RawJson(row.id), type: 'subscription', path: row.path, cause: 'delivery' } as const
  return postEnd(context, lock, encode(errorFrame(reportingRow(context, row).server, request, thrown)))
}

/** A stream that ended well completes the subscription; one that failed or was lost is an error. [TL-STREAM-6] */
async function endWithOutcome(
  context: InvocationContext,
  lock: SubscriptionLock,
  outcome: Outcome,
): Promise<OrderedResult> {
  const { row } = lock
  if (!(await lock.canReceive(row))) {
    await releaseLock(context, lock)
    return 'done' // as in `postUnderLock`
  }
  const id = new RawJson(row.id)
  const thrown = outcomeError(outcome)
  const failure = thrown && silentErrorBody(context.server, { type: 'subscription', path: row.path }, thrown)
  const frame = failure === undefined ? { id, result: { type: 'stopped' } as const } : { id, failure }
  return postEnd(context, lock, encode(frame))
}

/** Posts the last frame of a subscription, then deletes its row. */
async function postEnd(context: InvocationContext, { row }: SubscriptionLock, text: string): Promise<OrderedResult> {
  if ((await post(context, row.connectionId, text)) === 'undelivered') return disconnect(context, row)
  await context.store.deleteSubscriber(row)
  await endSession(context, row)
  return 'done'
}

async function releaseOnError(
  context: InvocationContext,
  lock: SubscriptionLock,
  work: () => Promise<OrderedResult>,
): Promise<OrderedResult> {
  try {
    return await work()
  } catch (thrown) {
    await releaseLock(context, lock).catch(() => {}) // else the lock expires, and the connection is deleted
    throw thrown
  }
}
