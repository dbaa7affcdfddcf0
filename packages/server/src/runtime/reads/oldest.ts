import type { Cursor } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { isExpiredSlot, wireEpoch } from '../log/retention.ts'

/** The clocks of publishers differ, so an expired slot may follow one that is not. */
const mostSkips = 4
const skippedSlots = 250

/**
 * Reads a log from its oldest event that is within the retention, and begins an epoch if the log has none. A log may
 * have many slots before that one which are past their retention and not deleted yet: they are not read one by one.
 */
// [TL-READ-4]
export async function replayOldest(context: RuntimeContext, log: LogRef): Promise<Replay> {
  const end = await replayNewest(context, log, 0)
  let after = await beforeOldest(context, log, end.head)
  for (let skips = 0; after < end.head.offset; skips++) {
    const found = await replayFrom(context, log, { epoch: end.head.epoch, offset: after })
    if (found.gap === undefined || skips === mostSkips) return found
    after = await lastExpired(context, log, after)
  }
  return end
}

/**
 * The offset before the oldest slot of the head's epoch that is within the retention. At most 54 reads of one slot,
 * since the times of slots rise with their offsets.
 */
async function beforeOldest({ store, clock, restore }: RuntimeContext, log: LogRef, head: Cursor): Promise<number> {
  const now = clock.now()
  const isRetained = (slot: Slot) =>
    wireEpoch(slot.epoch, restore) === head.epoch && !isExpiredSlot(slot, log.retentionMs, now)
  const firstAfter = async (offset: number) => (await store.readSlots(log.topic, offset, 1)).slots[0]
  const first = await firstAfter(0)
  if (first === undefined) return head.offset
  if (isRetained(first)) return first.offset - 1
  // No slot up to `low` is retained. A slot at `high` is, or it is the one after the head.
  let [low, high] = [first.offset, head.offset + 1]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const slot = await firstAfter(middle - 1)
    if (slot === undefined || slot.offset >= high) low = high - 1
    else if (isRetained(slot)) [low, high] = [Math.max(low, slot.offset > middle ? slot.offset - 1 : low), slot.offset]
    else low = slot.offset
  }
  return high - 1
}

async function lastExpired({ store, clock }: RuntimeContext, log: LogRef, after: number): Promise<number> {
  const { slots } = await store.readSlots(log.topic, after, skippedSlots)
  const now = clock.now()
  return slots.findLast((slot) => isExpiredSlot(slot, log.retentionMs, now))?.offset ?? after
}
