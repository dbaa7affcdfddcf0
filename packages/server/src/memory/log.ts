import type { Slot, SlotPage } from '../ports/store.ts'
import type { Operations } from './operations.ts'

const ascending = (a: Slot, b: Slot) => a.offset - b.offset

/** The logs of all topics, and the receipts of their inline deliveries. */
export function createLog() {
  const topics = new Map<string, Map<number, Slot>>()
  const receipts = new Map<string, Map<number, { readonly expires: number }>>()
  const slotsOf = (topic: string) => [...(topics.get(topic)?.values() ?? [])].sort(ascending)

  const operations: Operations<
    'putSlot' | 'readSlots' | 'readSlotsBefore' | 'extendSlot' | 'eraseSlot' | 'putReceipt' | 'hasReceipts'
  > = {
    putSlot(topic, slot) {
      const slots = child(topics, topic)
      const standing = slots.get(slot.offset)
      // Also when it is the writer's own: only the caller knows what it did with an earlier try.
      if (standing !== undefined) return { status: 'taken', slot: standing }
      slots.set(slot.offset, slot)
      return { status: 'put' }
    },
    readSlots: (topic, after, limit) =>
      page(
        slotsOf(topic).filter(({ offset }) => offset > after),
        limit,
      ),
    readSlotsBefore: (topic, before = Number.POSITIVE_INFINITY, limit) =>
      page(
        slotsOf(topic)
          .filter(({ offset }) => offset < before)
          .reverse(),
        limit,
      ),
    extendSlot(topic, offset, expires) {
      const slot = topics.get(topic)?.get(offset)
      if (slot === undefined) return 'absent'
      topics.get(topic)?.set(offset, { ...slot, expires })
      return 'extended'
    },
    eraseSlot(topic, offset, erased) {
      const slot = topics.get(topic)?.get(offset)
      if (slot?.data === undefined && slot?.erased === undefined) return 'absent'
      const { data: _, ...rest } = slot
      topics.get(topic)?.set(offset, { ...rest, erased })
      return 'erased'
    },
    putReceipt(topic, offset, expires) {
      child(receipts, topic).set(offset, { expires })
    },
    hasReceipts: (events) => events.map(({ topic, offset }) => receipts.get(topic)?.has(offset) ?? false),
  }
  const slotAt = (topic: string, offset: number) => topics.get(topic)?.get(offset)
  return { operations, slotAt, tables: () => [...topics.values(), ...receipts.values()] }
}

const page = (slots: readonly Slot[], limit: number): SlotPage => ({
  slots: slots.slice(0, limit),
  more: slots.length > limit,
})

/** The map under `key`, made when there is none. */
export function child<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const map = maps.get(key) ?? new Map<K, V>()
  maps.set(key, map)
  return map
}
