import { type ChunkCursor, formatChunkCursor, parseChunkCursor } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { DeliveryLock, Subscriber } from '../../ports/subscribers.ts'
import { createDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { cursorOf } from '../log/retention.ts'
import { deleteConnection } from '../posting/post.ts'
import { type CanReceive, createCanReceive } from '../recipients/can-receive.ts'

/** The lock of a stock client's subscription: only its holder posts to the subscription [LAW-STOCK-ORDER]. */
export interface SubscriptionLock {
  readonly row: Subscriber
  /** The id of the holder. */
  readonly by: string
  readonly canReceive: CanReceive
  /** The cursor up to which events were posted. */
  at: ChunkCursor
}

/**
 * The result of an attempt to acquire a lock, other than the lock itself.
 * - `held`: another function holds it, and will also post the requested event.
 * - `dead`: the holder died, and how far it came is unknown.
 * - `off`: the subscription has stopped.
 */
export type LockResult = SubscriptionLock | 'held' | 'dead' | 'off'

/** A lock outlasts its holder's deadline by this much: time for the last write, and for clock differences. */
const slackMs = 5_000
const disconnectMs = 2_000

/** A lock that lasts as long as this invocation may work. */
export function newLock({ clock, deadline }: InvocationContext): DeliveryLock {
  return { by: randomName(clock, 12), until: deadline.at + slackMs }
}

/**
 * Acquires the lock to post a slot. If another function holds it, records the slot's offset, which that function then
 * posts too.
 */
// [TL-CHAIN-1]
export async function acquireLock(context: InvocationContext, row: Subscriber, slot: Slot): Promise<LockResult> {
  const lock = newLock(context)
  for (;;) {
    const found = await context.store.acquireDeliveryLock(row, lock)
    if (found.status === 'off') return 'off'
    if (found.status === 'locked')
      return toLock(context, { row: found.row, by: lock.by, at: positionOf(context, found.row, slot) })
    if (isDead(found.row, context.clock.now())) return 'dead'
    const requested = await context.store.requestOffset(row, slot.offset)
    if (requested !== 'free') return requested === 'requested' ? 'held' : 'off'
  }
}

export function toLock(context: InvocationContext, lock: Omit<SubscriptionLock, 'canReceive'>): SubscriptionLock {
  return { ...lock, canReceive: createCanReceive(context) }
}

/** Releases the lock and stores how far it came, even if further offsets are requested. */
export async function releaseLock(context: InvocationContext, { row, by, at }: SubscriptionLock): Promise<void> {
  await context.store.releaseDeliveryLock(row, { by, at: formatChunkCursor(at) })
}

/**
 * Ends a delivery whose position is unknown. Nothing is posted twice and nothing is left out: the connection is
 * deleted, and the client resumes on another one. False when the connection could not be deleted.
 */
// [TL-CHAIN-3]
export async function disconnectUncertain(context: InvocationContext, row: Subscriber): Promise<boolean> {
  using grace = createDeadline(context.clock, disconnectMs) // its own deadline, since that of the posts may have passed
  if ((await deleteConnection({ ...context, deadline: grace }, row.connectionId)) === 'failed') return false
  await context.store.deleteSubscriber(row)
  return true
}

/** Whether a slot was already posted to a stock client's subscription. */
export function hasReached(context: InvocationContext, { at }: Pick<Subscriber, 'at'>, slot: Slot): boolean {
  const cursor = at === undefined ? undefined : parseChunkCursor(at)
  const isIn = cursor?.chunk !== undefined && cursor.offset === slot.offset // some chunks of the slot are left
  return cursor?.epoch === cursorOf(context, slot).epoch && cursor.offset >= slot.offset && !isIn
}

/** A row without a cursor was put by an older version. It begins right before the slot. */
function positionOf(context: InvocationContext, row: Subscriber, slot: Slot): ChunkCursor {
  const { epoch, offset } = cursorOf(context, slot)
  return (row.at === undefined ? undefined : parseChunkCursor(row.at)) ?? { epoch, offset: offset - 1 }
}

function isDead({ lock }: Subscriber, now: number): boolean {
  return lock !== undefined && lock.until <= now
}
