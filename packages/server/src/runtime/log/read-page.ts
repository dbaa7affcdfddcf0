import { TRPCError } from '@trpc/server'
import { type Cursor, formatCursor, limits, parseCursor } from '@trunkline/protocol'
import type { Page, ReadOptions, Tracked } from '../../define/channel.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/scope.ts'
import type { LogRef } from './replay.ts'
import { cursorOf, isExpiredSlot, wireEpoch } from './retention.ts'
import { eventTextOf, parseEvents } from './stored-event.ts'

const defaultLimit = 50
const largestLimit = 1_000
/**
 * Slots that one page looks at. A page of a log with many slots that hold no event may be short, and then has the
 * cursor to continue from.
 */
const mostSlots = 5_000
const leastSlots = 100
const listBytes = 2 // a list's brackets

/**
 * A page of a topic's log, read strongly. Expired events, slots without an event and other histories are left out. The
 * page ends before the event that exceeds
 * `limit` or `maxBytes`, and holds at least one event where the log has one.
 * Throws BAD_REQUEST for a cursor that is none, a limit outside 1…1,000, or a `maxBytes` below 1.
 */
export async function readPage(scope: RuntimeContext, log: LogRef, options: ReadOptions): Promise<Page<unknown>> {
  const page = createPage(scope, log, options)
  const idOf = (slot: Slot | undefined) => (slot === undefined ? null : formatCursor(cursorOf(scope, slot)))
  if (options.after !== undefined) {
    const isCut = await readOn(scope, log, offsetOf(options.after), page)
    return { events: page.events, older: idOf(page.first()), newer: isCut ? idOf(page.last()) : null }
  }
  const before = options.before === undefined ? undefined : offsetOf(options.before)
  const isCut = await readBack(scope, log, before, page)
  const newer = before === undefined ? null : idOf(page.first())
  return { events: page.events.reverse(), older: isCut ? idOf(page.last()) : null, newer }
}

type PageInProgress = ReturnType<typeof createPage>

/** Collects the events of a page in the order in which their slots are read. */
function createPage(scope: RuntimeContext, log: LogRef, options: ReadOptions) {
  const { limit = defaultLimit, maxBytes = limits.pageBytes.value } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit)
    throw badRequest(`Expected a limit from 1 to ${largestLimit}, got ${limit}.`)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1)
    throw badRequest(`Expected maxBytes as a whole number of bytes from 1, got ${maxBytes}.`)
  const now = scope.clock.now()
  const isExpired = (slot: Slot) => isExpiredSlot(slot, log.retentionMs, now)
  const events: Tracked<unknown>[] = []
  let [bytes, looked] = [listBytes, 0]
  let [first, last]: (Slot | undefined)[] = []

  function isTaken(slot: Slot): boolean {
    const event = isExpired(slot) ? undefined : toEvent(scope, log, slot)
    const size = event?.bytes ?? 0
    if (event !== undefined && events.length > 0 && (events.length === limit || bytes + size > maxBytes)) return false
    bytes += size
    if (event !== undefined) events.push({ id: event.id, data: event.data })
    return true
  }
  return {
    events,
    /**
     * How many slots to read at one time: one more than fit shows whether the log continues. After slots without an
     * event, more than are missing.
     */
    room: () => Math.max(limit + 1 - events.length, looked === 0 ? 1 : leastSlots),
    /** Nothing before such slots can be shown. */
    areExpired: (slots: readonly Slot[]) => slots.every(isExpired),
    /** False when the slot is for the next page. */
    take(slot: Slot): boolean {
      looked += 1
      if (looked > mostSlots || !isTaken(slot)) return false
      first ??= slot
      last = slot
      return true
    },
    /** The slots that the page begins and ends with, in the order in which they were read. */
    first: () => first,
    last: () => last,
  }
}

/**
 * [LAW-ISOLATION]: an event that cannot be parsed, and data that is not JSON, is left out and logged; it must not hide the
 * others.
 */
function toEvent(
  scope: RuntimeContext,
  { topic }: LogRef,
  slot: Slot,
): (Tracked<unknown> & { readonly bytes: number }) | undefined {
  if (slot.data === undefined) return undefined
  const id = formatCursor(cursorOf(scope, slot))
  try {
    const text = eventTextOf(scope, topic, slot)
    return { id, data: JSON.parse(text) as unknown, bytes: bytesOf(id, text) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown)
    scope.telemetry.log({
      level: 'ERROR',
      message: 'A page leaves out an event that cannot be parsed.',
      facts: { topic, id, error },
    })
    return undefined
  }
}

/** What an event adds to the JSON text of a page. */
function bytesOf(id: string, text: string): number {
  return Buffer.byteLength(text) + Buffer.byteLength(id) + '{"id":"","data":},'.length
}

/** True when the page is full and the log continues. */
async function readBack(
  scope: RuntimeContext,
  log: LogRef,
  end: Cursor | undefined,
  page: PageInProgress,
): Promise<boolean> {
  let epoch = end?.epoch
  for (let from = end?.offset; ; ) {
    const { slots, more } = await scope.store.readSlotsBefore(log.topic, from, page.room())
    await parseEvents(scope, log.topic, slots)
    for (const slot of slots) {
      epoch ??= epochOf(scope, slot) // a page without a cursor shows the newest history
      if (epochOf(scope, slot) !== epoch) return false
      if (!page.take(slot)) return true
    }
    from = slots.at(-1)?.offset
    if (!more || from === undefined || page.areExpired(slots)) return false
  }
}

/** True when the page is full and the log continues. */
async function readOn(scope: RuntimeContext, log: LogRef, after: Cursor, page: PageInProgress): Promise<boolean> {
  for (let from = after.offset; ; ) {
    const { slots, more } = await scope.store.readSlots(log.topic, from, page.room())
    await parseEvents(scope, log.topic, slots)
    for (const slot of slots) {
      if (epochOf(scope, slot) !== after.epoch) return false // another history has begun; the old one does not come back
      if (!page.take(slot)) return true
    }
    const last = slots.at(-1)
    if (!more || last === undefined) return false
    from = last.offset
  }
}

function epochOf(scope: RuntimeContext, slot: Slot): string {
  return wireEpoch(slot.epoch, scope.restore)
}

function offsetOf(text: string): Cursor {
  const cursor = parseCursor(text)
  if (cursor !== undefined) return cursor
  throw badRequest('Expected a cursor that an event came with, such as the id of one.')
}

function badRequest(message: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message })
}
