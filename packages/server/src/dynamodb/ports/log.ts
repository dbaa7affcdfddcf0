import { defined } from '@trunkline/protocol'
import type { EventRow } from '../../ports/event-row.ts'
import type { LogStore, Slot, SlotPage } from '../../ports/log.ts'
import { toLogItem } from '../requests/items.ts'
import { type Key, logKey, receiptKey } from '../requests/keys.ts'
import type { QueryBounds, Requests } from '../requests/requests.ts'

const afterOffsets = ':' // sorts after every offset, and before other sort keys that a script may have written

/** The port of the logs in the table. */
export function logOperations(
  { put, update, query, getMany }: Requests,
  readSlot: (row: EventRow) => Slot | undefined,
): LogStore {
  /** Reads one page. Requests continue past rows that are not slots, so that a page is empty only at the end. */
  async function readPage(keys: string, key: Key, bounds: QueryBounds): Promise<SlotPage> {
    for (let from: Key | undefined; ; ) {
      const { items, last } = await query(keys, { ...key }, { ...bounds, ...defined({ ExclusiveStartKey: from }) })
      const slots = items.flatMap((item) => readSlot(item) ?? [])
      if (slots.length > 0 || last === undefined) return { slots, more: last !== undefined }
      from = last
    }
  }
  return {
    async putSlot(topic, slot) {
      const write = await put({ ...toLogItem(topic, slot) }, 'attribute_not_exists(#pk)')
      if (write.written) return { status: 'put' }
      const existing = readSlot(await write.existing())
      if (existing === undefined) throw new Error(`Expected an offset from 1 to 2^53 − 1, got ${slot.offset}.`)
      return { status: 'taken', slot: existing }
    },
    readSlots(topic, after, limit) {
      return readPage('#pk = :pk AND #sk > :sk', logKey(topic, after), { Limit: limit })
    },
    readSlotsBefore(topic, before, limit) {
      const { pk, sk } = logKey(topic, before ?? 0)
      const key = { pk, sk: before === undefined ? afterOffsets : sk }
      return readPage('#pk = :pk AND #sk < :sk', key, { Limit: limit, ScanIndexForward: false })
    },
    async extendSlot(topic, offset, expires) {
      const write = await update(logKey(topic, offset), {
        expression: 'SET #expires = :expires',
        condition: 'attribute_exists(#pk)',
        values: { expires },
      })
      return write.written ? 'extended' : 'absent'
    },
    async eraseSlot(topic, offset, erased) {
      const write = await update(logKey(topic, offset), {
        expression: 'SET #erased = :erased REMOVE #data',
        condition: 'attribute_exists(#data) OR attribute_exists(#erased)',
        values: { erased },
      })
      return write.written ? 'erased' : 'absent'
    },

    async putReceipt(topic, offset, expires) {
      await put({ ...receiptKey(topic, offset), expires })
    },
    async hasReceipts(events) {
      const asked = events.map(({ topic, offset }) => receiptKey(topic, offset))
      const found = await getMany(asked, { keysOnly: true })
      return asked.map((key) => found.get(key) !== undefined)
    },
  }
}
