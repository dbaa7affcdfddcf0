import { TRPCError } from '@trpc/server'
import { parseCursor } from '@trunkline/protocol'
import type { Erased } from '../define/channel.ts'
import type { RuntimeContext } from './context/runtime-context.ts'
import { wireEpoch } from './log/retention.ts'

/**
 * Erases one event of a topic. Its slot stays without `data`, so that positions and resumes skip it. `event` is an
 * offset, or the id of the event; an id of another epoch erases nothing. Throws BAD_REQUEST for anything else.
 */
export async function eraseEvent(context: RuntimeContext, topic: string, event: number | string): Promise<Erased> {
  context.deadline?.signal.throwIfAborted() // nothing is written after the deadline
  const offset = typeof event === 'number' ? event : await offsetOf(context, topic, event)
  if (offset === undefined) return 'absent'
  if (!Number.isSafeInteger(offset) || offset < 1) throw badEvent(event)
  return context.store.eraseSlot(topic, offset, context.clock.now()) // [TL-ROW-6]
}

/** The offset in an event's id; undefined when the log has no slot or another epoch there. */
async function offsetOf(context: RuntimeContext, topic: string, id: string): Promise<number | undefined> {
  const cursor = parseCursor(id)
  if (cursor === undefined || cursor.offset < 1) throw badEvent(id)
  const [slot] = (await context.store.readSlots(topic, cursor.offset - 1, 1)).slots
  const isSame = slot?.offset === cursor.offset && wireEpoch(slot.epoch, context.restore) === cursor.epoch
  return isSame ? cursor.offset : undefined
}

function badEvent(event: unknown): TRPCError {
  const message = `Expected an event's offset from 1, or its id, got ${String(event)}. Pass the id that publish returned.`
  return new TRPCError({ code: 'BAD_REQUEST', message })
}
