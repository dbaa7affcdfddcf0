import { TRPCError } from '@trpc/server'
import { type Cursor, formatCursor, limits, parseCursor } from '@trunkline/protocol'
import type { Page, ReadOptions, Tracked } from '../../define/channel.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { LogRef } from './replay.ts'
import { cursorOf, isExpiredSlot, wireEpoch } from './retention.ts'
import { eventTextOf, parseEvents } from './stored-event.ts'

const defaultLimit = 50
const maxLimit = 1_000
/** Slots that one page reads. If most of them hold no event, the page is short and has a cursor to continue from. */
const maxSlots = 5_000
const minSlots = 100
const listBytes = 2 // a list's brackets

/**
 * Reads a page of a topic's log, strongly consistent. Expired events, slots without an event and other epochs are left
 * out. The page ends before the event that exceeds `limit` or `maxBytes`, and holds at least one event if the log has
 * one. Throws BAD_REQUEST for an invalid cursor, a limit outside 1…1,000, or a `maxBytes` below 1.
 */
export async function readPage(context: RuntimeContext, log: LogRef, options: ReadOptions): Promise<Page<unknown>> {
  const page = createPage(context, log, options)
  const idOf = (slot: Slot | undefined) => (slot === undefined ? null : formatCursor(cursorOf(context, slot)))
  if (options.after !== undefined) {
    const isFull = await readForward(context, page, { topic: log.topic, after: offsetOf(options.after) })
    return { events: page.events, older: idOf(page.first()), newer: isFull ? idOf(page.last()) : null }
  }
  const before = options.before === undefined ? undefined : offsetOf(options.before)
  const isFull = await readBack(context, page, { topic: log.topic, before })
  const newer = before === undefined ? null : idOf(page.first())
  return { events: page.events.reverse(), older: isFull ? idOf(page.last()) : null, newer }
}

type PageInProgress = ReturnType<typeof createPage>

/** Collects the events of a page in the order in which their slots are read. */
function createPage(context: RuntimeContext, log: LogRef, options: ReadOptions) {
  const { limit = defaultLimit, maxBytes = limits.pageBytes.value } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw badRequest(`Expected a limit from 1 to ${maxLimit}, got ${limit}.`)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1)
    throw badRequest(`Expected maxBytes as a whole number of bytes from 1, got ${maxBytes}.`)
  const now = context.clock.now()
  const isExpired = (slot: Slot) => isExpiredSlot(slot, log.retentionMs, now)
  const events: Tracked<unknown>[] = []
  let [bytes, slotsRead] = [listBytes, 0]
  let [first, last]: (Slot | undefined)[] = []

  function add(slot: Slot): boolean {
    const event = isExpired(slot) ? undefined : toEvent(context, log, slot)
    const size = event?.bytes ?? 0
    if (event !== undefined && events.length > 0 && (events.length === limit || bytes + size > maxBytes)) return false
    bytes += size
    if (event !== undefined) events.push({ id: event.id, data: event.data })
    return true
  }
  return {
    events,
    /**
     * How many slots to read: one more than fit shows whether the log continues. After the first read at least 100,
     * since slots may hold no event.
     */
    room: () => Math.max(limit + 1 - events.length, slotsRead === 0 ? 1 : minSlots),
    /** Whether all are expired, so that no earlier slot can be shown. */
    areExpired: (slots: readonly Slot[]) => slots.every(isExpired),
    /** False when the slot belongs to the next page. */
    take(slot: Slot): boolean {
      slotsRead += 1
      if (slotsRead > maxSlots || !add(slot)) return false
      first ??= slot
      last = slot
      return true
    },
    /** The slots that the page begins and ends with, in the order in which they were read. */
    first: () => first,
    last: () => last,
  }
}

/** An event that cannot be parsed is logged and left out, so that it does not hide the others [LAW-ISOLATION]. */
function toEvent(
  context: RuntimeContext,
  { topic }: LogRef,
  slot: Slot,
): (Tracked<unknown> & { readonly bytes: number }) | undefined {
  if (slot.data === undefined) return undefined
  const id = formatCursor(cursorOf(context, slot))
  try {
    const text = eventTextOf(context, topic, slot)
    return { id, data: JSON.parse(text) as unknown, bytes: bytesOf(id, text) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown)
    context.telemetry.log({
      level: 'ERROR',
      message: 'A page leaves out an event that cannot be parsed.',
      facts: { topic, id, error },
    })
    return undefined
  }
}

/** The bytes that an event adds to the JSON text of a page. */
function bytesOf(id: string, text: string): number {
  return Buffer.byteLength(text) + Buffer.byteLength(id) + '{"id":"","data":},'.length
}

/** True when the page is full and the log continues. */
async function readBack(
  context: RuntimeContext,
  page: PageInProgress,
  { topic, before }: { readonly topic: string; readonly before: Cursor | undefined },
): Promise<boolean> {
  let epoch = before?.epoch
  for (let from = before?.offset; ; ) {
    const { slots, more } = await context.store.readSlotsBefore(topic, from, page.room())
    await parseEvents(context, topic, slots)
    for (const slot of slots) {
      epoch ??= epochOf(context, slot) // a page without a cursor shows the newest epoch
      if (epochOf(context, slot) !== epoch) return false
      if (!page.take(slot)) return true
    }
    from = slots.at(-1)?.offset
    if (!more || from === undefined || page.areExpired(slots)) return false
  }
}

/** True when the page is full and the log continues. */
async function readForward(
  context: RuntimeContext,
  page: PageInProgress,
  { topic, after }: { readonly topic: string; readonly after: Cursor },
): Promise<boolean> {
  for (let from = after.offset; ; ) {
    const { slots, more } = await context.store.readSlots(topic, from, page.room())
    await parseEvents(context, topic, slots)
    for (const slot of slots) {
      if (epochOf(context, slot) !== after.epoch) return false // a new epoch has begun; the old one does not continue
      if (!page.take(slot)) return true
    }
    const last = slots.at(-1)
    if (!more || last === undefined) return false
    from = last.offset
  }
}

function epochOf(context: RuntimeContext, slot: Slot): string {
  return wireEpoch(slot.epoch, context.restore)
}

function offsetOf(text: string): Cursor {
  const cursor = parseCursor(text)
  if (cursor !== undefined) return cursor
  throw badRequest(
    'Expected a cursor, such as the id of an event, got another text. Pass the id that an event came with.',
  )
}

function badRequest(message: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message })
}
