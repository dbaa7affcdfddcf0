import type { Cursor } from '@trunkline/protocol'
import { presenceLimits } from '../../define/presence.ts'
import { channelOfTopic } from '../../define/topic.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { Slot } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from '../log/replay.ts'
import { cursorOf, wireEpoch } from '../log/retention.ts'
import { eventOf, memberDataOf } from '../log/stored-event.ts'
import { tell } from './append-change.ts'
import { living } from './rows/member-row.ts'
import { toPresenceSlot } from './rows/views.ts'
import { isOver, pagesOf, pruneAll } from './sweep.ts'

/** A state of a presence topic, exact at a cursor: what the log after it tells is not in it, and all before it is. */
export interface PresenceState<S> {
  readonly found: Replay
  readonly state: S
}

/** Data by member. */
type Members = Map<string, unknown>

const prunedOnTheWay = 200 // members that a snapshot ends itself; more are shown as the log has them, until the sweep ends them

/**
 * The members at an exact place of the log. The head is read, then the rows, then the log on from that head to its end, which is the place: whatever a row says stands in the log
 * by then, since what is `pending` is told first, and a member's changes stand there in order. So the last that the log says of a member is no older than its row, and is laid over it;
 * the tail neither repeats nor leaves out. [TL-PRES-1]
 */
export async function snapshotMembers(scope: RuntimeContext, log: LogRef, begun: Replay) {
  for (let found = begun; ; ) {
    const members = await readMembers(scope, log, found.head)
    const tail = await overlayTail(scope, log, found.head, members)
    const at = { ...tail, slots: [], ...(begun.gap && { gap: begun.gap }) }
    if (tail.gap === undefined)
      return { found: { ...at, from: tail.head }, state: { type: 'here' as const, members: listOf(members) } }
    found = at // another history began meanwhile: once more
  }
}

/** How many are here: the log's newest slot says it. */
export async function snapshotCount(scope: RuntimeContext, log: LogRef, begun: Replay): Promise<PresenceState<number>> {
  const { slots } = await scope.store.readSlotsBefore(log.topic, undefined, 1)
  const newest = slots[0]
  if (newest === undefined || wireEpoch(newest.epoch, scope.restore) !== begun.head.epoch) {
    const found = { ...(await replayNewest(scope, log, 0)), ...(begun.gap && { gap: begun.gap }) }
    return snapshotCount(scope, log, found)
  }
  const at = cursorOf(scope, newest)
  return { found: { ...begun, from: at, head: at, slots: [] }, state: toPresenceSlot(newest)?.here ?? 0 }
}

/** Who is here now, by the rows alone. */
export async function readMembersNow(scope: RuntimeContext, topic: string) {
  const members: Members = new Map()
  for await (const rows of pagesOf(scope, topic)) {
    const now = scope.clock.now()
    for (const row of rows) if (row.said.type !== 'leave' && hasLiving(row, now)) addMember(scope, members, row)
  }
  return listOf(members)
}

/** Lays over what the log says after a place, to its end; the last page is the answer. */
async function overlayTail(scope: RuntimeContext, log: LogRef, from: Cursor, members: Members): Promise<Replay> {
  for (let at = from; ; ) {
    const page = await replayFrom(scope, log, at)
    for (const slot of page.slots) overlay(scope, log, members, slot)
    const last = page.slots.at(-1)
    at = last === undefined ? at : cursorOf(scope, last)
    if (page.gap !== undefined || at.offset >= page.head.offset) return page
  }
}

async function readMembers(scope: RuntimeContext, log: LogRef, head: Cursor): Promise<Members> {
  const members: Members = new Map()
  let room = prunedOnTheWay
  for await (const rows of pagesOf(scope, log.topic)) {
    const now = scope.clock.now()
    const over = rows.filter((row) => isOver(row, now)).slice(0, room)
    room -= over.length
    const pruned = await pruneAll(scope, log, over)
    for (const read of rows) {
      const row = pruned.has(read.member) ? pruned.get(read.member) : read
      const told = row?.pending === true ? await tell(scope, log, row) : row
      // By what the log says, and not by the leases: nobody is left out whose leave no watcher would be told.
      if (told?.epoch !== undefined && wireEpoch(told.epoch, scope.restore) === head.epoch)
        addMember(scope, members, told)
    }
  }
  return members
}

function hasLiving({ sessions }: PresenceRow, now: number): boolean {
  return Object.keys(living(sessions, now)).length > 0
}

/** Data that does not fit the reader's schema is logged, and its member is left out. [TL-ROW-7] */
function addMember(scope: RuntimeContext, members: Members, { topic, member, said }: PresenceRow): void {
  if (said.data === undefined) return
  try {
    members.set(member, memberDataOf(scope.channelOf(channelOfTopic(topic)), said.data))
  } catch (thrown) {
    logLeftOut(scope, topic, thrown)
  }
}

function overlay(scope: RuntimeContext, { topic }: LogRef, members: Members, slot: Slot): void {
  const change = toPresenceSlot(slot)
  if (change === undefined) return
  if (change.type === 'leave') return void members.delete(change.member)
  try {
    members.set(change.member, (eventOf(scope, topic, slot) as { readonly data?: unknown }).data)
  } catch (thrown) {
    members.delete(change.member)
    logLeftOut(scope, topic, thrown)
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
