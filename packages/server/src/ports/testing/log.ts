import type { Slot } from '../log.ts'
import type { Store } from '../store.ts'
import { equal, includes } from './assertions.ts'
import { expires, fresh, past, slot } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

/** The laws of the port of the logs. */
export function logLaws({ describe, test }: SuiteRunner): void {
  describe('the log', () => {
    test('puts a slot where none exists and reads back every member [TL-ROW-2]', async (store) => {
      const topic = fresh('t')
      const whole = slot(1, { data: JSON.stringify({ text: 'ünïcode 🎉' }), schema: 's1', inline: 1_700_000_002_000 })
      equal(await store.putSlot(topic, whole), { status: 'put' })
      const { data: _, ...bare } = slot(2)
      equal(await store.putSlot(topic, bare), { status: 'put' })
      equal(await store.readSlots(topic, 0, 10), { slots: [whole, bare], more: false })
    })
    test('returns the existing slot on a conflict, also when the caller wrote it', async (store) => {
      const topic = fresh('t')
      const first = slot(1)
      await store.putSlot(topic, first)
      equal(await store.putSlot(topic, slot(1)), { status: 'taken', slot: first })
      equal(await store.putSlot(topic, first), { status: 'taken', slot: first })
    })
    test('lets one of 50 concurrent puts of an offset succeed and returns its slot to all others', async (store) => {
      const topic = fresh('t')
      const slots = Array.from({ length: 50 }, () => slot(1))
      const outcomes = await Promise.all(slots.map((one) => store.putSlot(topic, one)))
      const winners = slots.filter((_, index) => outcomes[index]?.status === 'put')
      equal(winners.length, 1)
      const lost = outcomes.filter(({ status }) => status !== 'put')
      equal(lost, Array(49).fill({ status: 'taken', slot: winners[0] }))
    })
    test('reads ascending above an offset and does not hide holes', async (store) => {
      const topic = await topicOf(store, [1, 2, 9, 10, 11, 100])
      equal(offsets(await store.readSlots(topic, 0, 100)), [1, 2, 9, 10, 11, 100])
      equal(offsets(await store.readSlots(topic, 9, 100)), [10, 11, 100])
      equal(offsets(await store.readSlots(topic, 5, 2)), [9, 10])
      equal(await store.readSlots(topic, 100, 100), { slots: [], more: false })
    })
    test('reads descending below an offset, or from the end', async (store) => {
      const topic = await topicOf(store, [1, 2, 9, 10, 100])
      equal(offsets(await store.readSlotsBefore(topic, undefined, 2)), [100, 10])
      equal(offsets(await store.readSlotsBefore(topic, 10, 100)), [9, 2, 1])
      equal(offsets(await store.readSlotsBefore(topic, 1, 100)), [])
    })
    test('returns more when a read stopped at its limit', async (store) => {
      const topic = await topicOf(store, [1, 2, 3])
      includes(await store.readSlots(topic, 0, 2), { more: true })
      includes(await store.readSlots(topic, 0, 4), { more: false })
      includes(await store.readSlotsBefore(topic, undefined, 2), { more: true })
      includes(await store.readSlotsBefore(topic, 3, 3), { more: false })
    })
    test('keeps topics apart and stores the largest offset', async (store) => {
      const [one, other] = [fresh('t'), fresh('t')]
      await store.putSlot(one, slot(Number.MAX_SAFE_INTEGER))
      equal(offsets(await store.readSlots(one, Number.MAX_SAFE_INTEGER - 1, 1)), [Number.MAX_SAFE_INTEGER])
      equal(await store.readSlots(other, 0, 1), { slots: [], more: false })
    })
    test('keeps the state of a stream and the mark of its chunks', async (store) => {
      const topic = fresh('t')
      const slots = [slot(1, { state: '{"at":"running"}', own: true }), slot(2, { state: '{"at":"closed"}' })]
      for (const each of slots) await store.putSlot(topic, each)
      equal((await store.readSlots(topic, 0, 9)).slots, slots)
      equal(await store.putSlot(topic, slot(1)), { status: 'taken', slot: slots[0] })
    })
    test('returns expired slots', async (store) => {
      const topic = fresh('t')
      const old = slot(1, { expires: past })
      await store.putSlot(topic, old)
      equal((await store.readSlots(topic, 0, 1)).slots, [old])
    })
    test('extends an existing slot, changes nothing else and creates none', async (store) => {
      const topic = fresh('t')
      const one = slot(1)
      await store.putSlot(topic, one)
      equal(await store.extendSlot(topic, 1, expires + 5), 'extended')
      equal(await store.extendSlot(topic, 2, expires + 5), 'absent')
      equal((await store.readSlots(topic, 0, 9)).slots, [{ ...one, expires: expires + 5 }])
    })
    test('erases the data of a slot, repeats with the same result and changes nothing else', async (store) => {
      const topic = fresh('t')
      const one = slot(1, { data: '"private"', inline: 1_700_000_002_000 })
      const { data: _, ...bare } = slot(2)
      for (const each of [one, bare, slot(3)]) await store.putSlot(topic, each)
      equal(await store.eraseSlot(topic, 1, 5), 'erased')
      equal(await store.eraseSlot(topic, 1, 6), 'erased')
      equal([await store.eraseSlot(topic, 2, 5), await store.eraseSlot(topic, 4, 5)], ['absent', 'absent'])
      const { data: __, ...rest } = one
      const { slots } = await store.readSlots(topic, 0, 9)
      equal(slots.slice(0, 2), [{ ...rest, erased: 6 }, bare])
      equal(offsets({ slots }), [1, 2, 3])
      equal(await store.putSlot(topic, slot(1)), { status: 'taken', slot: { ...rest, erased: 6 } })
    })

    async function topicOf(store: Store, some: readonly number[]): Promise<string> {
      const topic = fresh('t')
      for (const offset of some) await store.putSlot(topic, slot(offset))
      return topic
    }
    const offsets = ({ slots }: { slots: readonly Slot[] }) => slots.map(({ offset }) => offset)
  })
  describe('receipts', () => {
    test('says which events have a receipt, in the order asked, duplicates included', async (store) => {
      const [a, b] = [fresh('t'), fresh('t')]
      await store.putReceipt(a, 1, expires)
      await store.putReceipt(a, 1, expires)
      await store.putReceipt(b, 2, past)
      const asked = [
        { topic: b, offset: 2 },
        { topic: a, offset: 2 },
        { topic: a, offset: 1 },
        { topic: b, offset: 2 },
      ]
      equal(await store.hasReceipts(asked), [true, false, true, true])
      equal(await store.hasReceipts([]), [])
    })
    test('reads the receipts of a hundred events at once', async (store) => {
      const topic = fresh('t')
      await store.putReceipt(topic, 77, expires)
      const asked = Array.from({ length: 100 }, (_, index) => ({ topic, offset: index + 1 }))
      equal((await store.hasReceipts(asked)).indexOf(true), 76)
    })
  })
}
