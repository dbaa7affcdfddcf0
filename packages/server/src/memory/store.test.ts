import { describe, expect, it } from 'vitest'
import { erasureSuite, storeSuite } from '../ports/testing/index.ts'
import { slot } from '../ports/testing/rows.ts'
import { createMemoryStore, memoryBackend } from './store.ts'

storeSuite({ describe, it }, { name: 'memory', createStore: () => createMemoryStore() })
erasureSuite({ describe, it }, { name: 'memory', createStores: () => memoryBackend() })

describe('the memory store', () => {
  it('runs an operation one microtask after its call', async () => {
    const store = createMemoryStore()
    const [read] = await Promise.all([store.readSlots('t', 0, 1), store.putSlot('t', slot(1))])
    expect(read.slots).toEqual([])
    expect((await store.readSlots('t', 0, 1)).slots).toHaveLength(1)
  })
  it('deletes a row more than two days after its expiry by its clock, and not earlier', async () => {
    let now = 1_000_000_000_000
    const store = createMemoryStore({ clock: { now: () => now, sleep: async () => {}, random: () => 0 } })
    await store.putSlot('t', slot(1, { expires: now / 1_000 }))
    await store.putSlot('t', slot(2, { expires: now / 1_000 + 3_600 }))
    const readOften = async () => {
      for (let i = 0; i < 2_000; i++) await store.readSlots('t', 0, 9)
      return (await store.readSlots('t', 0, 9)).slots.map(({ offset }) => offset)
    }
    now += 48 * 3_600_000
    expect(await readOften()).toEqual([1, 2])
    now += 1
    expect(await readOften()).toEqual([2])
  })
  it('is in a backend without a gateway and an invoker', () => {
    expect(memoryBackend()).toEqual({ store: expect.objectContaining({ kind: 'memory' }), erasure: expect.anything() })
  })
})
