import type { Cursor } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/scope.ts'

const hour = 3_600_000

/** [TL-ROW-4] The TTL of a slot in epoch seconds: its retention and 48 h more, since deletion is late and in no order [LAW-LOGICAL-EXPIRY]. */
export function expiresFor(time: number, retentionMs: number): number {
  return Math.ceil((time + retentionMs + 48 * hour) / 1_000)
}

/** No slot after an anchor can be gone yet, so the newest visible one is the head [LAW-LOGICAL-EXPIRY]. */
export function isAnchor(slot: Slot, now: number): boolean {
  return slot.expires * 1_000 - now > hour
}

/** A head this close to its end is extended by whoever follows the topic. */
export function isAgeing(slot: Slot, now: number): boolean {
  return slot.expires * 1_000 - now < 24 * hour
}

/** Past its retention: never replayed, whether or not it still stands. */
export function isExpiredSlot(slot: Slot, retentionMs: number, now: number): boolean {
  return slot.time + retentionMs <= now
}

/** [TL-CUR-2] The epoch as it stands on the wire: with the deployment's restore number, so that a restored table is another history. */
export function wireEpoch(epoch: string, restore: number): string {
  return `${restore}.${epoch}`
}

/** Where a slot stands on the wire. */
export function cursorOf(scope: RuntimeContext, slot: Slot): Cursor {
  return { epoch: wireEpoch(slot.epoch, scope.restore), offset: slot.offset }
}
