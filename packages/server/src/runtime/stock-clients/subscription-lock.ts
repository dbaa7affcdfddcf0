import { type Cursor, formatCursor, parseCursor } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { ChainLock, Slot, Subscriber } from '../../ports/store.ts'
import { createDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/scope.ts'
import { cursorOf } from '../log/retention.ts'
import { deleteConnection } from '../posting/post.ts'

/** A stock subscription's chain in one function's hands: nobody else posts to it [LAW-STOCK-ORDER]. */
export interface SubscriptionLock {
  readonly row: Subscriber
  readonly by: string
  /** Up to where it was posted. */
  at: Cursor
}

/** What became of the wish to hold a chain. `held`: by somebody who lives, as far as is known, and was told what is wanted. `dead`: its holder died, and nobody knows how far it came. `off`: there is nobody to post to. */
export type LockResult = SubscriptionLock | 'held' | 'dead' | 'off'

const slackMs = 5_000 // beyond the holder's own deadline: its last write, and the clocks' error
const cutMs = 2_000

/** A lock for as long as this scope may work. */
export function newLock({ clock, deadline }: InvocationContext): ChainLock {
  return { by: randomName(clock, 12), until: deadline.at + slackMs }
}

/** Takes a chain for the sake of one slot. */
// [TL-CHAIN-1]
export async function acquireLock(scope: InvocationContext, row: Subscriber, slot: Slot): Promise<LockResult> {
  const lock = newLock(scope)
  for (;;) {
    const found = await scope.store.lockChain(row, lock)
    if (found.status === 'off') return 'off'
    if (found.status === 'locked') return { row: found.row, by: lock.by, at: positionOf(scope, found.row, slot) }
    if (isDead(found.row, scope.clock.now())) return 'dead'
    const wanted = await scope.store.requestOffset(row, slot.offset)
    if (wanted !== 'free') return wanted === 'wanted' ? 'held' : 'off'
  }
}

/** Gives a chain back where it stands, whatever is wanted. */
export async function releaseLock(scope: InvocationContext, { row, by, at }: SubscriptionLock): Promise<void> {
  await scope.store.freeChain(row, { by, at: formatCursor(at) })
}

/** Ends a chain of which nobody knows how far it came: nothing is sent again and nothing is left out, the connection is deleted, and the client resumes on another. False where that could not be done. */
// [TL-CHAIN-3]
export async function disconnectUncertain(scope: InvocationContext, row: Subscriber): Promise<boolean> {
  using grace = createDeadline(scope.clock, cutMs) // its own time: that of the posts may be what has run out
  if ((await deleteConnection({ ...scope, deadline: grace }, row.connectionId)) === 'failed') return false
  await scope.store.deleteSubscriber(row)
  return true
}

/** Whether a chain has come up to a slot, or past it. */
export function hasReached(scope: InvocationContext, { at }: Pick<Subscriber, 'at'>, slot: Slot): boolean {
  const cursor = at === undefined ? undefined : parseCursor(at)
  return cursor !== undefined && cursor.epoch === cursorOf(scope, slot).epoch && cursor.offset >= slot.offset
}

/** A row without a cursor, which an older version has put, begins at the slot that it is given. */
function positionOf(scope: InvocationContext, row: Subscriber, slot: Slot): Cursor {
  const { epoch, offset } = cursorOf(scope, slot)
  return (row.at === undefined ? undefined : parseCursor(row.at)) ?? { epoch, offset: offset - 1 }
}

function isDead({ lock }: Subscriber, now: number): boolean {
  return lock !== undefined && lock.until <= now
}
