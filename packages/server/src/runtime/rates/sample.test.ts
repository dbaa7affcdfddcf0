import { describe, expect, test } from 'vitest'
import { createRandom, sampledAtLeast } from './rated-line.suite.ts'
import { sampledBytes, sampleOf } from './sample.ts'

/** A random source that counts how often it is asked. */
function counted(seed: number) {
  const next = createRandom(seed)
  let drawn = 0
  const random = () => {
    drawn += 1
    return next()
  }
  return { random, drawn: () => drawn }
}

describe('a sample of frames', () => {
  test('has one in ten of single frames, and no more than chance allows', () => {
    const clock = counted(1)
    let sampled = 0
    for (let n = 0; n < 100_000; n++) sampled += sampleOf(clock, 1).length
    expect(Math.abs(sampled - 10_000)).toBeLessThan(6 * Math.sqrt(100_000 * 0.1 * 0.9))
  })
  test('has one in ten of the frames of a message, each as often as any other', () => {
    const clock = counted(2)
    const times = Array.from({ length: 100 }, () => 0)
    for (let n = 0; n < 10_000; n++) for (const at of sampleOf(clock, 100)) times[at] = (times[at] ?? 0) + 1
    for (const each of times) expect(Math.abs(each - 1_000)).toBeLessThan(6 * 30)
  })
  test('varies from message to message as independent frames do', () => {
    const clock = counted(3)
    const counts = Array.from({ length: 10_000 }, () => sampleOf(clock, 100).length)
    const mean = counts.reduce((sum, each) => sum + each, 0) / counts.length
    const variance = counts.reduce((sum, each) => sum + (each - mean) ** 2, 0) / counts.length
    expect(mean).toBeCloseTo(10, 0)
    expect(Math.abs(variance - 9)).toBeLessThan(0.6)
  })
  test('costs as many random numbers as it has frames, and one more', () => {
    const clock = counted(4)
    const sampled = sampleOf(clock, 10_000)
    expect(clock.drawn()).toBe(sampled.length + 1)
  })
  test('of nothing is empty, and its indexes are those of the message', () => {
    for (const drawn of [0, 0.5, 1 - 2 ** -32]) expect(sampleOf({ random: () => drawn }, 0)).toEqual([])
    expect(sampleOf({ random: () => 0 }, 3)).toEqual([0, 1, 2])
    expect(sampleOf({ random: () => 1 - 2 ** -32 }, 200)).toEqual([])
  })
})

describe('a sample of bytes', () => {
  test('counts what it should on average, whatever the size of an event', () => {
    const clock = counted(5)
    for (const bytes of [1, 100, 2_000, 10_239]) {
      let total = 0
      const events = 20_000
      for (let n = 0; n < events; n++) total += sampledBytes(clock, bytes, 10_240)
      const deviation = Math.sqrt(events * bytes * (10_240 - bytes))
      expect(Math.abs(total - events * bytes)).toBeLessThan(6 * deviation)
    }
  })
  test('counts an event of the unit or more as it is', () => {
    for (const bytes of [10_240, 389_120])
      expect(sampledBytes({ random: () => 1 - 2 ** -32 }, bytes, 10_240)).toBe(bytes)
    expect(sampledBytes({ random: () => 0 }, 0, 10_240)).toBe(0)
  })
})

test('the probabilities of the tests are those of a binomial distribution', () => {
  expect(sampledAtLeast(3, 0)).toBeCloseTo(1, 12)
  expect(sampledAtLeast(3, 1)).toBeCloseTo(1 - 0.9 ** 3, 12)
  expect(sampledAtLeast(3, 3)).toBeCloseTo(0.001, 12)
  expect(sampledAtLeast(3, 4)).toBe(0)
})
