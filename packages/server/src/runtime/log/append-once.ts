import type { Slot } from '../../ports/log.ts'
import { type Appended, growTail, type Tail } from '../context/append-queues.ts'
import { backOff } from '../context/back-off.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type AppendedSlot, type AppendRequest, maxRaces, putAfter, readNewest, tooManyRaces } from './append.ts'

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

/**
 * [TL-KEY-9] Appends an event once, however often it is repeated [LAW-PUBLISH-ONCE]. The first attempt records the head
 * before its first put. Every attempt reads from there without skipping a slot, stops at its own id, and puts only at
 * the first absent slot. This also holds for an attempt that continues after it was replaced.
 */
export async function appendOnce(
  context: RuntimeContext,
  request: AppendRequest,
  under: PublishKey,
): Promise<AppendedSlot> {
  const { topic, deliver } = request
  const { publishId } = under
  const work = async (tail: Tail | undefined): Promise<Appended> => {
    const newest = tail === undefined ? await readNewest(context, topic) : tail.at(-1)
    const recorded = await context.store.recordBase({ ...under, base: newest?.offset ?? 0 })
    if (recorded.status === 'lost') throw replacedError()
    const place = { topic, publishId, base: recorded.base, newest: newest ?? null }
    return { ...(await appendAfter(context, place, { toEvent: request.toEvent })), deliver }
  }
  return context.appends.run(topic, work, context.deadline)
}

/** The error of an attempt whose key another attempt has. */
export function replacedError(): TrunklineError {
  return new TrunklineError('FUNCTION_FAILED', 'Another attempt of this call has replaced this one.')
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
 * Reads the log from `base` without skipping a slot, unless `tail` has these slots. Returns the slot with its own id if
 * there is one; else puts the event at the first absent slot. `put` says whether this call put the slot. Throws
 * KEY_EXPIRED when the log has a hole, and RATE_LIMITED after too many conflicts.
 */
export async function appendAfter(
  context: RuntimeContext,
  place: AppendPlace,
  { toEvent, tail: known }: Pick<AppendRequest, 'toEvent'> & { readonly tail?: Tail | undefined },
): Promise<Appended> {
  const { topic, publishId, base } = place
  const complete = tailFrom(place, known)
  let tail = complete ?? (await walk(context, place, []))
  const earlier = tail.find((slot) => slot.offset > base && slot.publishId === publishId)
  if (earlier !== undefined) return { slot: earlier, put: false, tail: complete } // a walk stops at its own id
  for (let lost = 0; lost < maxRaces; ) {
    const outcome = await putAfter(context, { topic, publishId, toEvent, base }, tail)
    if (outcome.isOwn) return outcome
    lost += 1
    tail = outcome.tail
    if (!(await backOff(context, lost))) continue
    tail = await walk(context, place, tail)
    const found = tail.at(-1)
    if (found?.publishId === publishId) return { slot: found, put: false, tail: undefined }
  }
  throw tooManyRaces()
}

/** The slots after `base` that are known to be all there are up to a head; undefined when they must be read. */
function tailFrom({ base, newest }: AppendPlace, known: Tail | undefined): Tail | undefined {
  const [first, last] = [known?.[0], known?.at(-1)]
  if (first !== undefined && last !== undefined && first.offset <= base + 1 && last.offset >= base) return known
  return newest !== undefined && (newest?.offset ?? 0) === base ? (newest === null ? [] : [newest]) : undefined
}

/**
 * Reads from the end of `tail`, or from the slot at `base`, which may have expired, to the slot with this publish id or
 * to the last one. Throws KEY_EXPIRED when a slot between was deleted: it may have been the one with this id, and live
 * subscriptions would skip a slot that is put in its place.
 */
async function walk(context: RuntimeContext, { topic, base, publishId }: AppendPlace, tail: Tail): Promise<Tail> {
  let walked = tail
  let seen = 0 // the last offset of an earlier page
  for (let after = tail.at(-1)?.offset ?? Math.max(0, base - 1); ; ) {
    const { slots, more } = await context.store.readSlots(topic, after, pageSlots)
    if (walked.length === 0 && slots[0] !== undefined && slots[0].offset > base + 1) throw gone()
    for (const slot of slots) {
      const last = walked.at(-1)
      if (last !== undefined && slot.offset !== last.offset + 1) {
        if (seen > last.offset) throw gone()
        break // deleted, or put while this page was read; a second read decides
      }
      walked = growTail(walked, slot)
      if (slot.publishId === publishId) return walked
    }
    seen = slots.at(-1)?.offset ?? seen
    const last = walked.at(-1)
    if (last === undefined || (!more && seen <= last.offset)) return walked
    after = last.offset
  }
}

function gone(): TrunklineError {
  return new TrunklineError('KEY_EXPIRED', 'The log no longer holds the event that was published under this key.')
}
