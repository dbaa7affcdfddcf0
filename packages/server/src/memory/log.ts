import type { LogStore, Slot, SlotPage } from '../ports/log.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'

/** The log port in memory. */
export function createLog() {
  const topics = new Map<string, Map<number, Slot>>()
  const receipts = new Map<string, Map<number, { readonly expires: number }>>()
  const slotAt = (topic: string, offset: number) => topics.get(topic)?.get(offset)
  const slotsWhere = (topic: string, isIncluded: (slot: Slot) => boolean) =>
    [...(topics.get(topic)?.values() ?? [])].filter(isIncluded).sort((a, b) => a.offset - b.offset)

  const operations: Operations<keyof LogStore> = {
    putSlot(topic, slot) {
      const existing = slotAt(topic, slot.offset)
      if (existing !== undefined) return { status: 'taken', slot: existing }
      child(topics, topic).set(slot.offset, slot)
      return { status: 'put' }
    },
    readSlots: (topic, after, limit) =>
      toPage(
        slotsWhere(topic, ({ offset }) => offset > after),
        limit,
      ),
    readSlotsBefore: (topic, before = Number.POSITIVE_INFINITY, limit) =>
      toPage(slotsWhere(topic, ({ offset }) => offset < before).reverse(), limit),
    extendSlot(topic, offset, expires) {
      const slot = slotAt(topic, offset)
      if (slot === undefined) return 'absent'
      child(topics, topic).set(offset, { ...slot, expires })
      return 'extended'
    },
    eraseSlot(topic, offset, erased) {
      const slot = slotAt(topic, offset)
      if (slot?.data === undefined && slot?.erased === undefined) return 'absent'
      const { data: _, ...rest } = slot
      child(topics, topic).set(offset, { ...rest, erased })
      return 'erased'
    },
    putReceipt(topic, offset, expires) {
      child(receipts, topic).set(offset, { expires })
    },
    hasReceipts: (events) => events.map(({ topic, offset }) => receipts.get(topic)?.has(offset) ?? false),
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpiredIn(topics, isDue)
    deleteExpiredIn(receipts, isDue)
  }
  return { operations, slotAt, deleteExpired: dropExpired }
}

const toPage = (slots: readonly Slot[], limit: number): SlotPage => ({
  slots: slots.slice(0, limit),
  more: slots.length > limit,
})
