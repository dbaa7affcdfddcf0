import { TRPCError } from '@trpc/server'
import { formatCursor, parseCursor } from '@trunkline/protocol'
import type { Page, ReadOptions } from '../define/channel.ts'
import type { Slot } from '../ports/store.ts'
import { cursorOf } from './frames.ts'
import { isExpiredSlot, wireEpoch } from './log.ts'
import type { Followed } from './replay.ts'
import type { Scope } from './scope.ts'

const defaultLimit = 50
const largestLimit = 1_000

/** A page of a topic's log, read strongly; expired events, epochs' births and other histories are left out. Throws BAD_REQUEST for a cursor that is none, or a limit outside 1…1,000. */
export async function readPage(scope: Scope, log: Followed, options: ReadOptions): Promise<Page<unknown>> {
  const limit = options.limit ?? defaultLimit
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit)
    throw new TRPCError({ code: 'BAD_REQUEST', message: `Expected a limit from 1 to ${largestLimit}, got ${limit}.` })
  const after = options.after === undefined ? undefined : offsetOf(options.after)
  const found =
    after === undefined ? await readBack(scope, log, options.before, limit) : await readOn(scope, log, after, limit)
  const events = found.slots.flatMap((slot) => toEvent(scope, slot) ?? [])
  const idOf = (slot: Slot | undefined) => (slot === undefined ? null : formatCursor(cursorOf(scope, slot)))
  const older = found.older ? idOf(found.slots[0]) : null
  const newer = found.newer ? idOf(found.slots.at(-1)) : null
  return { events, older, newer }
}

/** Law 11: a row whose data is not JSON, which only a script can put, is left out; it must not hide the others. */
function toEvent(scope: Scope, slot: Slot): { readonly id: string; readonly data: unknown } | undefined {
  try {
    return { id: formatCursor(cursorOf(scope, slot)), data: JSON.parse(slot.data ?? 'null') as unknown }
  } catch {
    return undefined
  }
}

interface Found {
  readonly slots: readonly Slot[]
  readonly older: boolean
  readonly newer: boolean
}

async function readBack(scope: Scope, log: Followed, before: string | undefined, limit: number): Promise<Found> {
  const end = before === undefined ? undefined : offsetOf(before)
  const slots: Slot[] = []
  for (let from = end?.offset; ; ) {
    const page = await scope.store.readSlotsBefore(log.topic, from, limit + 1 - slots.length)
    const usable = readable(scope, log, page.slots, end?.epoch ?? firstEpoch(scope, slots, page.slots))
    slots.push(...usable)
    const last = page.slots.at(-1)
    if (slots.length > limit || !page.more || last === undefined || usable.length < page.slots.length) break
    from = last.offset
  }
  return { slots: slots.slice(0, limit).reverse(), older: slots.length > limit, newer: end !== undefined }
}

async function readOn(
  scope: Scope,
  log: Followed,
  after: { epoch: string; offset: number },
  limit: number,
): Promise<Found> {
  const slots: Slot[] = []
  for (let from = after.offset; ; ) {
    const page = await scope.store.readSlots(log.topic, from, limit + 1 - slots.length)
    slots.push(...readable(scope, log, page.slots, after.epoch))
    const last = page.slots.at(-1)
    if (slots.length > limit || !page.more || last === undefined) break
    if (wireEpoch(last.epoch, scope.restore) !== after.epoch) break // another history has begun; the old one does not come back
    from = last.offset
  }
  return { slots: slots.slice(0, limit), older: true, newer: slots.length > limit }
}

function readable(scope: Scope, log: Followed, slots: readonly Slot[], epoch: string | undefined): readonly Slot[] {
  const now = scope.clock.now()
  return slots.filter(
    (slot) =>
      slot.data !== undefined &&
      wireEpoch(slot.epoch, scope.restore) === epoch &&
      !isExpiredSlot(slot, log.retentionMs, now),
  )
}

/** The history that a page without a cursor shows: the newest one. */
function firstEpoch(scope: Scope, found: readonly Slot[], page: readonly Slot[]): string | undefined {
  const newest = found[0] ?? page[0]
  return newest === undefined ? undefined : wireEpoch(newest.epoch, scope.restore)
}

function offsetOf(text: string): { epoch: string; offset: number } {
  const cursor = parseCursor(text)
  if (cursor !== undefined) return cursor
  throw new TRPCError({
    code: 'BAD_REQUEST',
    message: 'Expected a cursor that an event came with, such as the id of one.',
  })
}
