import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type NewEvent, readNewest, toSlot } from './append.ts'

/** Under which key an event is appended at most once. */
export interface Repeatable {
  /** The key's row. */
  readonly key: string
  /** The claim that the publish belongs to; absent for a publish with a key of its own. */
  readonly owner?: string
  readonly publishId: string
  /** Epoch seconds, of a row that is made. */
  readonly expires: number
}

const pageSlots = 250
const attempts = 2_000 // slots put by others while we walk; far more than a function lives to see

/**
 * [TL-KEY-9] Appends once, however often and however late it is repeated [LAW-PUBLISH-ONCE]: where the first attempt began is recorded before its first put, and every attempt
 * walks from there without skipping a slot, stops at its own id, and puts only at the first absent slot. Zombies included.
 */
export async function appendRepeatable(scope: RuntimeContext, event: NewEvent, under: Repeatable): Promise<Slot> {
  const { publishId } = under
  const newest = await readNewest(scope, event.topic)
  const recorded = await scope.store.recordBase({ ...under, base: newest?.offset ?? 0 })
  if (recorded.status === 'lost')
    throw new TrunklineError('FUNCTION_FAILED', 'Another attempt of this call has taken over.')
  return (await appendAfter(scope, { ...event, publishId, base: recorded.base, newest: newest ?? null }, () => event))
    .slot
}

/** Where an append walks from, and what it looks for. */
export interface AppendPlace {
  readonly topic: string
  readonly publishId: string
  readonly base: number
  /** The newest slot that was seen, null for none; where it is the one at `base`, nothing lies between to walk over. Absent when nobody looked. */
  readonly newest?: Slot | null
}

/** Walks from `base` without skipping a slot, stops at its own id, and puts at the first absent slot what `toEvent` makes for the slot before it. `put`: this call did. */
export async function appendAfter(
  scope: RuntimeContext,
  { topic, publishId, base, newest }: AppendPlace,
  toEvent: (last: Slot | undefined) => NewEvent,
): Promise<{ readonly slot: Slot; readonly put: boolean }> {
  let last: Slot | undefined
  if (newest !== undefined && (newest?.offset ?? 0) === base) last = newest ?? undefined
  else {
    const walked = await walk(scope, topic, base, publishId)
    if (walked?.publishId === publishId) return { slot: walked, put: false }
    last = walked
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const slot = toSlot(scope, toEvent(last), publishId, last, (last?.offset ?? base) + 1)
    const outcome = await scope.store.putSlot(topic, slot)
    if (outcome.status === 'put') return { slot, put: true }
    if (outcome.slot.publishId === publishId) return { slot: outcome.slot, put: false }
    last = outcome.slot
  }
  throw new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${attempts} conflicts).`)
}

/**
 * From the slot at `base` (which may be gone) to one's own slot or the last one. Throws KEY_EXPIRED where a row between
 * was deleted: the own slot may have been
 * that one, and a slot that is put in its place would be passed over by every subscription that is live.
 */
async function walk(scope: RuntimeContext, topic: string, base: number, publishId: string): Promise<Slot | undefined> {
  let last: Slot | undefined
  let seen = 0 // the last offset that an earlier read has shown
  for (let after = Math.max(0, base - 1); ; ) {
    const { slots, more } = await scope.store.readSlots(topic, after, pageSlots)
    if (last === undefined && slots[0] !== undefined && slots[0].offset > base + 1) throw gone()
    for (const slot of slots) {
      if (last !== undefined && slot.offset !== last.offset + 1) {
        if (seen > last.offset) throw gone()
        break // deleted, or put while this page was read: a second read says which
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
  return new TrunklineError('KEY_EXPIRED', 'The log no longer holds what was published under this key.')
}
