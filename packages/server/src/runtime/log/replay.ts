import { type Cursor, defined, formatCursor, type GapReason } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { Slot, SlotPage } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { expiresFor, isAgeing, isAnchor, isExpiredSlot, wireEpoch } from './retention.ts'
import { parseEvents } from './stored-event.ts'

/** The part of a log that a subscription reads: all events in (`from`, `head`], or a gap before `from`. */
export interface Replay {
  readonly from: Cursor
  readonly head: Cursor
  readonly gap?: GapReason
  /**
   * Ascending, of one epoch, none past its retention. May end before `head`; the client then fetches the rest.
   * Consecutive, except at the start of a new subscription.
   */
  readonly slots: readonly Slot[]
  /** Of a stream: how many chunks of a slot the reader has. */
  readonly skip?: SkippedChunks
}

/** The first chunks of a slot, which the reader has. */
export interface SkippedChunks {
  readonly offset: number
  readonly chunks: number
}

/** The log that a subscription follows. */
export interface LogRef {
  readonly topic: string
  readonly retentionMs: number
  /** The slots do not expire one by one: those of a stream expire together. @default false */
  readonly isStream?: boolean
}

/** The members of `started` and `synced` that say what a replay covers. */
export function toRange({ from, head, gap }: Replay) {
  return { from: formatCursor(from), head: formatCursor(head), ...defined({ gap }) }
}

const pageSlots = 250
/** A new subscription skips at most this many slots without an event. */
const maxEmpty = 1_000

/**
 * Reads the start of a new subscription: the newest `count` events that may still be replayed. Slots without an event
 * and deleted rows do not hide older events. Starts an epoch when the log has no anchor [LAW-LOGICAL-EXPIRY].
 */
export async function replayNewest(context: RuntimeContext, log: LogRef, count: number): Promise<Replay> {
  for (;;) {
    const now = context.clock.now()
    const { slots, more } = await context.store.readSlotsBefore(
      log.topic,
      undefined,
      Math.max(1, Math.min(count, pageSlots)),
    )
    const newest = slots[0]
    if (newest === undefined || !isAnchor(newest, now)) {
      const created = await createEpoch(context, log, newest)
      if (created !== undefined) return emptyAt(context, created)
      continue
    }
    if (isAgeing(newest, now) && !(await extendHead(context, log, newest))) continue
    const run = await readBack(context, log, { slots, more, count, now })
    await parseEvents(context, log.topic, run)
    const from = (run.at(-1)?.offset ?? newest.offset + 1) - 1
    return toReplay(context, newest, { from, slots: run.reverse() })
  }
}

/** Reads what a resumed subscription missed after `cursor`: all events, or a gap and the head [LAW-RESUME-OR-GAP]. */
export async function replayFrom(context: RuntimeContext, log: LogRef, cursor: Cursor): Promise<Replay> {
  const now = context.clock.now()
  const { slots, more } = await readAfter(context, log, cursor)
  const run = (await hasHole(context, log, slots)) ? 'expired' : wholeRun(context, { ...log, cursor, now }, slots)
  const last = typeof run === 'string' ? undefined : run.at(-1)
  if (typeof run === 'string' || last === undefined || !isAnchor(last, now)) {
    const reason = typeof run === 'string' ? run : 'expired'
    return { ...(await replayNewest(context, log, 0)), gap: reason }
  }
  const missed = run.filter((slot) => slot.offset > cursor.offset)
  await parseEvents(context, log.topic, missed)
  const atEnd = !more || run.length < slots.length
  // If the log continues, the last slot becomes the head and is not included: the client then fetches on.
  if (!atEnd) return toReplay(context, last, { from: cursor.offset, slots: missed.slice(0, -1) })
  if (isAgeing(last, now)) await extendHead(context, log, last)
  return toReplay(context, last, { from: cursor.offset, slots: missed })
}

/**
 * The slots from the one before the cursor on. Large slots come two to a request, and `replayFrom` leaves out the last
 * slot of a page; a third one makes sure that at least one is returned.
 */
async function readAfter(context: RuntimeContext, log: LogRef, { offset }: Cursor): Promise<SlotPage> {
  const slots: Slot[] = []
  for (let after = Math.max(0, offset - 1); ; ) {
    const page = await context.store.readSlots(log.topic, after, pageSlots - slots.length)
    slots.push(...page.slots)
    const last = page.slots.at(-1)
    if (!page.more || last === undefined || slots.length > 2) return { slots, more: page.more }
    after = last.offset
  }
}

/**
 * Whether a slot was deleted: only that leaves a hole, since a slot is put only if the one before it exists. A page may
 * also miss a slot that was put while it was read, so the slot is read once more.
 */
async function hasHole(context: RuntimeContext, log: LogRef, slots: readonly Slot[]): Promise<boolean> {
  const after = slots.find((slot, index) => slot.offset + 1 < (slots[index + 1]?.offset ?? 0))
  if (after === undefined) return false
  const reread = await context.store.readSlots(log.topic, after.offset, 1)
  return reread.slots[0]?.offset !== after.offset + 1
}

// [TL-SUB-3] a resume is whole iff the run from n or n+1 is dense, of the cursor's epoch, and nothing after n has
// expired
function wholeRun(
  context: RuntimeContext,
  { retentionMs, isStream, cursor, now }: LogRef & { readonly cursor: Cursor; readonly now: number },
  slots: readonly Slot[],
): readonly Slot[] | GapReason {
  const first = slots[0]
  if (first === undefined) return 'new-epoch' // the cursor is ahead of the head, or the log has expired
  if (first.offset > cursor.offset + 1) return 'expired'
  const run: Slot[] = []
  for (const slot of slots) {
    // An absent slot; a slot that was put meanwhile arrives as a push.
    if (slot.offset !== first.offset + run.length) break
    if (wireEpoch(slot.epoch, context.restore) !== cursor.epoch) return 'new-epoch'
    if (isStream !== true && slot.offset > cursor.offset && isExpiredSlot(slot, retentionMs, now)) return 'expired'
    run.push(slot)
  }
  return run
}

/** The slots up to the newest one, newest first: one epoch, nothing expired, at most `count` events. */
async function readBack(
  context: RuntimeContext,
  log: LogRef,
  page: { readonly slots: readonly Slot[]; readonly more: boolean; readonly count: number; readonly now: number },
): Promise<Slot[]> {
  const newest = page.slots[0] as Slot
  const run: Slot[] = []
  let events = 0
  const isFull = () => events >= page.count || run.length - events > maxEmpty
  let { slots, more } = page
  for (;;) {
    for (const slot of slots) {
      if (isFull() || slot.epoch !== newest.epoch || isExpiredSlot(slot, log.retentionMs, page.now)) return run
      run.push(slot)
      if (slot.data !== undefined) events += 1
    }
    const last = slots.at(-1)
    if (!more || last === undefined || isFull()) return run
    ;({ slots, more } = await context.store.readSlotsBefore(log.topic, last.offset, roomFor(page.count - events)))
  }
}

/** How many slots to read for this many events: a few more, since some slots may hold none. */
function roomFor(events: number): number {
  return Math.min(events + 16, pageSlots)
}

/** Puts a slot that only starts a new epoch. Undefined when another slot was put first: then the caller reads again. */
async function createEpoch(context: RuntimeContext, log: LogRef, newest: Slot | undefined): Promise<Slot | undefined> {
  const time = context.clock.now()
  const slot: Slot = {
    offset: (newest?.offset ?? 0) + 1,
    epoch: randomName(context.clock, 12),
    publishId: randomName(context.clock, 20),
    time,
    expires: expiresFor(time, log.retentionMs),
  }
  const outcome = await context.store.putSlot(log.topic, slot)
  return outcome.status === 'put' || outcome.slot.publishId === slot.publishId ? slot : undefined
}

/**
 * Extends the head's expiry, so that the log of a followed topic does not expire. False when the slot is gone: then the
 * caller reads again.
 */
async function extendHead(context: RuntimeContext, log: LogRef, head: Slot): Promise<boolean> {
  const expires = expiresFor(context.clock.now(), log.retentionMs)
  return (await context.store.extendSlot(log.topic, head.offset, expires)) === 'extended'
}

function emptyAt(context: RuntimeContext, slot: Slot): Replay {
  return toReplay(context, slot, { from: slot.offset, slots: [] })
}

function toReplay(
  context: RuntimeContext,
  head: Slot,
  { from, slots }: { readonly from: number; readonly slots: readonly Slot[] },
): Replay {
  const epoch = wireEpoch(head.epoch, context.restore)
  return { from: { epoch, offset: from }, head: { epoch, offset: head.offset }, slots }
}
