import { describe, expect, test } from 'vitest'
import { createMeter } from './meter.ts'

describe('the meter', () => {
  test('sums all usage, and extrapolates the last minute to an hour', () => {
    let now = 1_000_000
    const meter = createMeter({ now: () => now })
    meter.add('messages', 2)
    now += 30_000
    meter.add('messages', 3)
    expect(meter.total().messages).toBe(5)
    expect(meter.perHour().messages).toBe(300)
    now += 40_000
    expect(meter.perHour().messages).toBe(180)
    now += 3_600_000
    expect(meter.perHour().messages).toBe(0)
    expect(meter.total().messages).toBe(5)
  })
})
