import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { expiresFor, isAnchor } from './retention.ts'

/** The values of a new slot. The append determines its offset and epoch. */
export interface NewEvent {
  readonly topic: string
  readonly retentionMs: number
  /** JSON text; absent for a slot that only starts an epoch. */
  readonly data?: string
  /** The fingerprint of the schema that made `data`. */
  readonly schema?: string | undefined
  /** Epoch milliseconds, see `Slot.inline`. */
  readonly inline?: number
  /** @default a random name */
  readonly publishId?: string
}

/** More lost races in a row indicate another problem. */
const maxRaces = 200

/**
 * Appends an event by a slot put [LAW-SLOT-PUT]: slot h+1 is put only after evidence that slot h exists, and only if it
 * does not exist yet. So a log has no holes and no duplicate offsets. Without an anchor the same put starts a new epoch
 * [LAW-LOGICAL-EXPIRY]. A conflict with a slot of the same publish id is a success. Throws RATE_LIMITED after too many
 * conflicts.
 */
export async function append(context: RuntimeContext, event: NewEvent): Promise<Slot> {
  const publishId = event.publishId ?? randomName(context.clock, 20)
  let newest = await readNewest(context, event.topic)
  for (let attempt = 0; attempt < maxRaces; attempt++) {
    const slot = toSlot(context, { ...event, publishId }, { newest, offset: (newest?.offset ?? 0) + 1 })
    const outcome = await context.store.putSlot(event.topic, slot) // [TL-ROW-2]
    if (outcome.status === 'put') return slot
    if (outcome.slot.publishId === publishId) return outcome.slot
    // The failed condition proves that this slot exists. After several lost races, one query reads the head.
    newest = attempt % 8 === 7 ? await readNewest(context, event.topic) : outcome.slot
  }
  throw new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${maxRaces} conflicts).`)
}

/** The newest slot; undefined for an empty log. Strongly consistent. */
export async function readNewest(context: RuntimeContext, topic: string): Promise<Slot | undefined> {
  const { slots } = await context.store.readSlotsBefore(topic, undefined, 1)
  return slots[0]
}

/** The key under which an event is appended at most once. */
export interface PublishKey {
  /** The name of the key's row. */
  readonly key: string
  /** The claim that the publish belongs to; absent for a publish with a key of its own. */
  readonly owner?: string
  readonly publishId: string
  /** When a new row of the key expires, in epoch seconds. */
  readonly expires: number
}

const pageSlots = 250
/** Slots that others put during an append: far more than can occur in a function's lifetime. */
const maxOtherSlots = 2_000

/**
 * [TL-KEY-9] Appends an event once, however often it is repeated [LAW-PUBLISH-ONCE]. The first attempt records the head
 * before its first put. Every attempt reads from there without skipping a slot, stops at its own id, and puts only at
 * the first absent slot. This also holds for an attempt that continues after it was replaced.
 */
export async function appendOnce(context: RuntimeContext, event: NewEvent, under: PublishKey): Promise<Slot> {
  const { publishId } = under
  const newest = await readNewest(context, event.topic)
  const recorded = await context.store.recordBase({ ...under, base: newest?.offset ?? 0 })
  if (recorded.status === 'lost')
    throw new TrunklineError('FUNCTION_FAILED', 'Another attempt of this call has replaced this one.')
  return (await appendAfter(context, { ...event, publishId, base: recorded.base, newest: newest ?? null }, () => event))
    .slot
}

/** Where an append starts to read, and the id that it looks for. */
export interface AppendPlace {
  readonly topic: string
  readonly publishId: string
  readonly base: number
  /**
   * The newest slot that was read, or null for an empty log. If it is the slot at `base`, no slot lies between. Absent
   * when it was not read.
   */
  readonly newest?: Slot | null
}

/**
 * Reads the log from `base` without skipping a slot. Returns the slot with its own id if there is one; else puts the
 * event of `toEvent`, which takes the slot before, at the first absent slot. `put` says whether this call put the slot.
 * Throws KEY_EXPIRED when the log has a hole, and RATE_LIMITED after too many conflicts.
 */
export async function appendAfter(
  context: RuntimeContext,
  { topic, publishId, base, newest }: AppendPlace,
  toEvent: (last: Slot | undefined) => NewEvent,
): Promise<{ readonly slot: Slot; readonly put: boolean }> {
  let last: Slot | undefined
  if (newest !== undefined && (newest?.offset ?? 0) === base) last = newest ?? undefined
  else {
    const walked = await walk(context, { topic, base, publishId })
    if (walked?.publishId === publishId) return { slot: walked, put: false }
    last = walked
  }
  for (let attempt = 0; attempt < maxOtherSlots; attempt++) {
    const slot = toSlot(context, { ...toEvent(last), publishId }, { newest: last, offset: (last?.offset ?? base) + 1 })
    const outcome = await context.store.putSlot(topic, slot)
    if (outcome.status === 'put') return { slot, put: true }
    if (outcome.slot.publishId === publishId) return { slot: outcome.slot, put: false }
    last = outcome.slot
  }
  throw new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${maxOtherSlots} conflicts).`)
}

/**
 * Reads from the slot at `base`, which may have expired, to the slot with this publish id or to the last one. Throws
 * KEY_EXPIRED when a slot between was deleted: it may have been the one with this id, and live subscriptions would skip
 * a slot that is put in its place.
 */
async function walk(
  context: RuntimeContext,
  { topic, base, publishId }: Pick<AppendPlace, 'topic' | 'base' | 'publishId'>,
): Promise<Slot | undefined> {
  let last: Slot | undefined
  let seen = 0 // the last offset of an earlier page
  for (let after = Math.max(0, base - 1); ; ) {
    const { slots, more } = await context.store.readSlots(topic, after, pageSlots)
    if (last === undefined && slots[0] !== undefined && slots[0].offset > base + 1) throw gone()
    for (const slot of slots) {
      if (last !== undefined && slot.offset !== last.offset + 1) {
        if (seen > last.offset) throw gone()
        break // deleted, or put while this page was read; a second read decides
      }
      if (slot.publishId === publishId) return slot
      last = slot
    }
    seen = slots.at(-1)?.offset ?? seen
    if (last === undefined || (!more && seen <= last.offset)) return last
    after = last.offset
  }
}

function gone(): TrunklineError {
  return new TrunklineError('KEY_EXPIRED', 'The log no longer holds the event that was published under this key.')
}

/** The slot to put after `newest`: of the same epoch if `newest` is an anchor, else of a new epoch. */
function toSlot(
  context: RuntimeContext,
  { retentionMs, publishId, data, schema, inline }: NewEvent & { readonly publishId: string },
  { newest, offset }: { readonly newest: Slot | undefined; readonly offset: number },
): Slot {
  const time = context.clock.now()
  const continues = newest !== undefined && isAnchor(newest, time)
  return {
    offset,
    epoch: continues ? newest.epoch : randomName(context.clock, 12), // [TL-ROW-3]
    publishId,
    time,
    expires: expiresFor(time, retentionMs),
    ...defined({ data, schema, inline }),
  }
}
