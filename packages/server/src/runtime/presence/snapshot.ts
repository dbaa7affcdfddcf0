import type { Cursor } from '@trunkline/protocol'
import { presenceLimits } from '../../define/presence.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { Slot } from '../../ports/log.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { cursorOf, wireEpoch } from '../log/retention.ts'
import { eventOf, memberDataOf } from '../log/stored-event.ts'
import { appendChange } from './append-change.ts'
import { living } from './rows/member-row.ts'
import { toPresenceSlot } from './rows/views.ts'
import { isOver, pagesOf, pruneAll } from './sweep.ts'

/** The state of a presence topic exactly at a cursor: it includes every change up to the cursor and none after it. */
export interface PresenceState<S> {
  readonly found: Replay
  readonly state: S
}

/** Data by member. */
type Members = Map<string, unknown>

/**
 * Members whose expired sessions a snapshot ends itself. Further ones are shown as the log has them, until the sweep.
 */
const prunedPerSnapshot = 200

/**
 * The members exactly at a cursor. Reads the head, then the rows, then the log from that head to its end; that end is
 * the cursor. The log then contains the change of every row that was read, because pending changes are appended first
 * and a member's changes are in order. So the last change of a member in the log is never older than its row, and
 * replaces it; no change is repeated or left out. [TL-PRES-1]
 */
export async function snapshotMembers(context: RuntimeContext, log: LogRef, start: Replay) {
  for (let found = start; ; ) {
    const members = await readMembers(context, log, found.head)
    const tail = await applyTail(context, log, { from: found.head, members })
    const at = { ...tail, slots: [], ...(start.gap && { gap: start.gap }) }
    if (tail.gap === undefined)
      return { found: { ...at, from: tail.head }, state: { type: 'here' as const, members: listOf(members) } }
    found = at // a new epoch has begun meanwhile, so read again
  }
}

/** The number of present members. The newest slot of the log holds it. */
export async function snapshotCount(
  context: RuntimeContext,
  log: LogRef,
  start: Replay,
): Promise<PresenceState<number>> {
  const { slots } = await context.store.readSlotsBefore(log.topic, undefined, 1)
  const newest = slots[0]
  if (newest === undefined || wireEpoch(newest.epoch, context.restore) !== start.head.epoch) {
    const found = { ...(await replayNewest(context, log, 0)), ...(start.gap && { gap: start.gap }) }
    return snapshotCount(context, log, found)
  }
  const at = cursorOf(context, newest)
  return { found: { ...start, from: at, head: at, slots: [] }, state: toPresenceSlot(newest)?.here ?? 0 }
}

/** The present members according to the rows alone. */
export async function readMembersNow(context: RuntimeContext, topic: string) {
  const members: Members = new Map()
  for await (const rows of pagesOf(context, topic)) {
    const now = context.clock.now()
    for (const row of rows) if (row.said.type !== 'leave' && hasLiving(row, now)) addMember(context, members, row)
  }
  return listOf(members)
}

/** Applies the changes of the log after `from`, to its end. Returns the last page. */
async function applyTail(
  context: RuntimeContext,
  log: LogRef,
  { from, members }: { readonly from: Cursor; readonly members: Members },
): Promise<Replay> {
  for (let at = from; ; ) {
    const page = await replayFrom(context, log, at)
    for (const slot of page.slots) applyChange(context, { members, topic: log.topic }, slot)
    const last = page.slots.at(-1)
    at = last === undefined ? at : cursorOf(context, last)
    if (page.gap !== undefined || at.offset >= page.head.offset) return page
  }
}

async function readMembers(context: RuntimeContext, log: LogRef, head: Cursor): Promise<Members> {
  const members: Members = new Map()
  let remaining = prunedPerSnapshot
  for await (const rows of pagesOf(context, log.topic)) {
    const now = context.clock.now()
    const expired = rows.filter((row) => isOver(row, now)).slice(0, remaining)
    remaining -= expired.length
    const pruned = await pruneAll(context, log, expired)
    for (const read of rows) {
      const row = pruned.has(read.member) ? pruned.get(read.member) : read
      const current = row?.pending === true ? await appendChange(context, log, row) : row
      // Decided by the log and not by leases: a member stays until the log has its leave, which every watcher gets.
      if (current?.epoch !== undefined && wireEpoch(current.epoch, context.restore) === head.epoch)
        addMember(context, members, current)
    }
  }
  return members
}

function hasLiving({ sessions }: PresenceRow, now: number): boolean {
  return Object.keys(living(sessions, now)).length > 0
}

/** Leaves out and logs a member whose data does not match the reader's schema. [TL-ROW-7] */
function addMember(context: RuntimeContext, members: Members, { topic, member, said }: PresenceRow): void {
  if (said.data === undefined) return
  try {
    members.set(member, memberDataOf(context.channelOf(channelOfTopic(topic)), said.data))
  } catch (thrown) {
    logLeftOut(context, topic, thrown)
  }
}

function applyChange(
  context: RuntimeContext,
  { members, topic }: { readonly members: Members; readonly topic: string },
  slot: Slot,
): void {
  const change = toPresenceSlot(slot)
  if (change === undefined) return
  if (change.type === 'leave') return void members.delete(change.member)
  try {
    members.set(change.member, (eventOf(context, topic, slot) as { readonly data?: unknown }).data)
  } catch (thrown) {
    members.delete(change.member)
    logLeftOut(context, topic, thrown)
  }
}

function logLeftOut({ telemetry }: RuntimeContext, topic: string, thrown: unknown): void {
  const { message: error } = toTRPCError(thrown)
  telemetry.log({
    level: 'ERROR',
    message: 'A list of members leaves out one whose data cannot be parsed.',
    facts: { topic, error },
  })
}

function listOf(members: Members) {
  const here = [...members].map(([member, data]) => ({ member, data }))
  if (here.length <= presenceLimits.listedMembers) return here
  throw new TrunklineError(
    'TOO_LARGE',
    `${here.length} members are here; a list shows ${presenceLimits.listedMembers} (listedMembers). Use count.`,
    { mayHaveRun: true },
  )
}
