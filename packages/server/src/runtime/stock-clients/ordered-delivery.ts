import { formatCursor } from '@trunkline/protocol'
import type { PipeStep } from '../../define/subscription.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot, Subscriber } from '../../ports/store.ts'
import { noticeAgeing } from '../connections/reconnect-notice.ts'
import { type InvocationContext, within } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { gapError } from '../context/trunkline-error.ts'
import { errorText } from '../encoding/error-response.ts'
import { evaluate } from '../encoding/replay-results.ts'
import { eventResult, frameText } from '../encoding/result-frames.ts'
import { oversized, stockBytes } from '../encoding/too-large.ts'
import { replayFrom } from '../log/replay.ts'
import { cursorOf } from '../log/retention.ts'
import { post } from '../posting/post.ts'
import { type PostedOnce, postOnce } from '../posting/post-once.ts'
import { endSession } from '../presence/rows/disconnect-session.ts'
import { viewPipes } from '../presence/rows/views.ts'
import { canReceive } from '../recipients/can-receive.ts'
import { pipeOf } from '../recipients/filtered-result.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import {
  acquireLock,
  disconnectUncertain,
  hasReached,
  releaseLock,
  type SubscriptionLock,
} from './subscription-lock.ts'

/** How far a function came with a chain. `late`: its own time ran out, and the chain is free for another. */
export type Ended = 'done' | 'undone' | 'late'

/** A chain is held for this long at most, so that a holder's death is soon known. */
const holdMs = 20_000
/** Reads in a row that bring nothing. */
const mostFruitless = 3
/** Another hold begins only with this much time left. */
const anotherMs = 3_000

/**
 * Delivers a slot to a stock client, which neither orders nor drops what it has: whoever holds the chain reads the log from where it stands and posts one event at a time [LAW-STOCK-ORDER].
 * False when it was not delivered: somebody else holds the chain and was told what is wanted, or a post could not be made. Throws when the table cannot be reached.
 */
// [TL-CHAIN-1] [TL-CHAIN-2]
export async function deliverToStock(scope: InvocationContext, row: Subscriber, slot: Slot): Promise<boolean> {
  for (;;) {
    const ended = await within(scope, holdMs, (sooner) => deliverOnce(sooner, row, slot))
    if (ended !== 'late') return ended === 'done'
    if (scope.deadline.at - scope.clock.now() < anotherMs) return false
  }
}

async function deliverOnce(scope: InvocationContext, row: Subscriber, slot: Slot): Promise<Ended> {
  if (hasReached(scope, row, slot)) return 'done'
  const taken = await acquireLock(scope, row, slot)
  if (taken === 'off') return 'done'
  if (taken === 'held') return 'undone'
  if (taken === 'dead') return broken(scope, row)
  return keeping(scope, taken, async () => {
    const pipe = await pipeFor(scope, taken.row)
    if (pipe === undefined) return 'done' // its middlewares refused, which has ended it
    const { epoch, offset } = cursorOf(scope, slot)
    const isNext = taken.at.epoch === epoch && taken.at.offset === offset - 1
    return postOn(scope, taken, pipe, { offset: slot.offset, read: isNext ? [slot] : [] })
  })
}

/** Undefined when its middlewares refused, which has ended it. */
async function pipeFor(scope: InvocationContext, row: Subscriber): Promise<readonly PipeStep[] | undefined> {
  if (row.presence !== undefined) return viewPipes[row.presence.view]
  return row.piped === undefined ? [] : pipeOf(scope, row, row.piped)
}

/** Goes on with a chain until nothing is wanted of it any more: first what was read already, then what the log has after it. */
// [TL-CHAIN-2]
export async function postOn(
  scope: InvocationContext,
  hold: SubscriptionLock,
  pipe: readonly PipeStep[],
  to: Wanted,
): Promise<Ended> {
  const log = { topic: hold.row.topic, retentionMs: scope.retentionOf(channelOfTopic(hold.row.topic)) ?? 0 }
  const reached = (slots: readonly Slot[]) => slots.at(-1)?.offset ?? hold.at.offset
  let slots = to.read
  let fruitless = 0
  for (let behind = reached(slots) < to.offset; ; ) {
    const ended = await postSlots(scope, hold, pipe, slots)
    if (ended !== undefined) return ended
    if (!behind && (await isFreed(scope, hold))) return 'done'
    const found = await replayFrom(scope, log, hold.at)
    if (found.gap !== undefined) return endWith(scope, hold, gapError(found.gap))
    slots = found.slots
    behind = reached(slots) < Math.max(found.head.offset, to.offset)
    fruitless = slots.length === 0 ? fruitless + 1 : 0
    if (fruitless > mostFruitless) break // what is wanted is not in the log
  }
  await releaseLock(scope, hold)
  return hold.at.offset >= to.offset ? 'done' : 'undone'
}

/** How far a chain is to go, and the slots after where it stands as far as they were read. */
export interface Wanted {
  readonly offset: number
  readonly read: readonly Slot[]
}

async function isFreed(scope: InvocationContext, { row, by, at }: SubscriptionLock): Promise<boolean> {
  const free = { by, at: formatCursor(at), unless: at.offset }
  return (await scope.store.freeChain(row, free)) !== 'wanted'
}

/** Posts what of these slots is for the subscription, each when the one before it has arrived. Undefined when all were. */
async function postSlots(
  scope: InvocationContext,
  hold: SubscriptionLock,
  pipe: readonly PipeStep[],
  slots: readonly Slot[],
): Promise<Ended | undefined> {
  for (const slot of slots) {
    const cursor = cursorOf(scope, slot)
    const result = resultOf(scope, hold.row, pipe, slot)
    if (result !== undefined && Buffer.byteLength(result) > stockBytes) return endWith(scope, hold, oversized(result)) // [TL-CHUNK-11]
    const ended = result === undefined ? undefined : await postFrame(scope, hold, result)
    if (ended !== undefined) return ended
    if (result !== undefined) measureDelivery(scope, slot)
    hold.at = cursor
  }
  return undefined
}

/** A slot's data frame. Nothing for one that a filter leaves out, nor for one whose filter or map threw: the application's `onError` was told, and stock clients have no word for it. */
// [TL-CHAIN-4]
function resultOf(
  scope: InvocationContext,
  { topic, path }: Pick<Subscriber, 'topic' | 'path'>,
  pipe: readonly PipeStep[],
  slot: Slot,
): string | undefined {
  const evaluated = evaluate(scope, topic, pipe, slot)
  if (evaluated.status === 'failed')
    scope.server.report({ error: toTRPCError(evaluated.thrown), path, cause: 'delivery' })
  if (evaluated.status !== 'match') return undefined
  const result = eventResult(scope.server, cursorOf(scope, slot), path, evaluated.event)
  return result.startsWith('{"type":"data"') ? result : undefined
}

/** Posts one frame of a chain, and ends the hold where that cannot be done. Undefined when it was posted. */
export async function postFrame(
  scope: InvocationContext,
  hold: SubscriptionLock,
  result: string,
): Promise<Ended | undefined> {
  const { row } = hold
  if (!canReceive(scope, row)) {
    await releaseLock(scope, hold)
    return 'done' // what an expired authority withholds comes by the resume
  }
  const posted = await postOnce(scope, row.connectionId, frameText(row.id, result))
  if (posted === 'posted') return void (await noticeAgeing(scope, row))
  return endOf(scope, hold, posted)
}

async function endOf(
  scope: InvocationContext,
  hold: SubscriptionLock,
  posted: Exclude<PostedOnce, 'posted'>,
): Promise<Ended> {
  if (posted === 'broken') return broken(scope, hold.row)
  if (posted === 'gone') {
    await pruneSubscriber(scope, hold.row)
    return 'done'
  }
  await releaseLock(scope, hold)
  return posted === 'late' ? 'late' : 'undone'
}

async function broken(scope: InvocationContext, row: Subscriber): Promise<Ended> {
  return (await disconnectUncertain(scope, row)) ? 'done' : 'undone'
}

/** A gap is an error, which ends the subscription at the client, and so is an event that fits no message; its row goes too. */
async function endWith(scope: InvocationContext, { row }: SubscriptionLock, thrown: unknown): Promise<Ended> {
  const id = JSON.parse(row.id) as string | number
  const text = errorText(scope.server, { id, type: 'subscription', path: row.path, cause: 'delivery' }, thrown)
  if ((await post(scope, row.connectionId, text)) === 'undelivered') return broken(scope, row)
  await scope.store.deleteSubscriber(row)
  await endSession(scope, row)
  return 'done'
}

/** Does what is to be done while a chain is held; gives it back where that throws, as far as that can be done. */
async function keeping(scope: InvocationContext, hold: SubscriptionLock, work: () => Promise<Ended>): Promise<Ended> {
  try {
    return await work()
  } catch (thrown) {
    await releaseLock(scope, hold).catch(() => {}) // then it is held until its time has passed, and broken
    throw thrown
  }
}
