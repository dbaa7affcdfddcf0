import { describe, expect, test } from 'vitest'
import { mapConcurrent } from './map-concurrent.ts'

const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('mapConcurrent', () => {
  test('returns the results in the order of the items, whatever order they finish in', async () => {
    const results = await mapConcurrent([3, 1, 2], 3, async (ticks, index) => {
      for (let n = 0; n < ticks; n++) await tick()
      return `${index}: ${ticks}`
    })
    expect(results).toEqual(['0: 3', '1: 1', '2: 2'])
  })
  test('runs at most the given number of items at the same time, and begins the next as soon as one is done', async () => {
    let [running, most, begun] = [0, 0, 0]
    await mapConcurrent(Array.from({ length: 20 }), 4, async (_, index) => {
      expect(index).toBe(begun++)
      running += 1
      most = Math.max(most, running)
      for (let n = 0; n < (index % 3) + 1; n++) await tick()
      running -= 1
    })
    expect([begun, most]).toEqual([20, 4])
  })
  test('rejects with the first error, and processes the items that have not begun', async () => {
    const done: number[] = []
    const mapped = mapConcurrent([0, 1, 2, 3], 2, async (item) => {
      await tick()
      if (item === 0) throw new Error('item 0')
      done.push(item)
    })
    await expect(mapped).rejects.toThrow('item 0')
    for (let n = 0; n < 5; n++) await tick()
    expect(done).toEqual([1, 2, 3])
  })
  test('returns nothing for no items', async () => {
    expect(await mapConcurrent([], 4, async () => 1)).toEqual([])
  })
})
