import type { Cursor } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

const hour = 3_600_000

/**
 * [TL-ROW-4] The TTL of a slot in epoch seconds: its retention plus 48 h, since the table deletes late and in any order
 * [LAW-LOGICAL-EXPIRY].
 */
export function expiresFor(time: number, retentionMs: number): number {
  return Math.ceil((time + retentionMs + 48 * hour) / 1_000)
}

/**
 * Whether a slot is an anchor: no later slot can have been deleted yet, so the newest visible one is the head
 * [LAW-LOGICAL-EXPIRY].
 */
export function isAnchor(slot: Slot, now: number): boolean {
  return slot.expires * 1_000 - now > hour
}

/** Whether a head is so close to its expiry that followers of the topic extend it. */
export function isAgeing(slot: Slot, now: number): boolean {
  return slot.expires * 1_000 - now < 24 * hour
}

/** Whether a slot is past its retention. It is never replayed, even if it still exists. */
export function isExpiredSlot(slot: Slot, retentionMs: number, now: number): boolean {
  return slot.time + retentionMs <= now
}

/**
 * [TL-CUR-2] An epoch on the wire: it includes the deployment's restore number, so that a restored table has new
 * epochs.
 */
export function wireEpoch(epoch: string, restore: number): string {
  return `${restore}.${epoch}`
}

/** The cursor of a slot on the wire. */
export function cursorOf(context: RuntimeContext, slot: Slot): Cursor {
  return { epoch: wireEpoch(slot.epoch, context.restore), offset: slot.offset }
}
