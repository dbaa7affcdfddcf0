import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import { accountRate, createPace } from './post-pacer.ts'

/** Turns that may be taken in the next second, each when it has come. */
async function turnsInASecond(pace: ReturnType<typeof createPace>, clock: ReturnType<typeof createFakeClock>) {
  const end = clock.now() + 1_000
  let turns = 0
  for (;;) {
    const ms = pace.take()
    if (clock.now() + ms >= end) return turns
    clock.time += ms
    turns += 1
  }
}

describe('the pace of a process', () => {
  test('is the account’s until something is refused', async () => {
    const clock = createFakeClock()
    const turns = await turnsInASecond(createPace(clock), clock)
    expect(turns).toBeGreaterThan(accountRate * 0.99)
    expect(turns).toBeLessThanOrEqual(accountRate * 1.1 + 1) // with its burst
  })
  test('is not slowed by one connection that refuses, since that one’s client is slow', () => {
    const pace = createPace(createFakeClock())
    for (let n = 0; n < 100; n++) pace.refuse('a')
    expect(pace.rate()).toBe(accountRate)
  })
  test('is not slowed by two slow clients among a hundred others', () => {
    const pace = createPace(createFakeClock())
    for (let n = 0; n < 100; n++) pace.take()
    expect(['a', 'b', 'a', 'b'].map((id) => pace.refuse(id))).toEqual(Array(4).fill('connection'))
    expect(pace.rate()).toBe(accountRate)
  })
  test('is the account’s affair once a twentieth of what is posted is refused', () => {
    const clock = createFakeClock()
    const pace = createPace(clock)
    for (let n = 0; n < 100; n++) pace.take()
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => pace.refuse(id))).toEqual([...Array(4).fill('connection'), 'account'])
    expect(pace.rate()).toBe(accountRate / 2)
    clock.time += 5_000 // and what was posted long ago counts no more
    expect(['a', 'b'].map((id) => pace.refuse(id))).toEqual(['connection', 'account'])
  })
  test('halves when two are refused, once for what was under way', () => {
    const pace = createPace(createFakeClock())
    for (const id of ['a', 'b', 'c', 'd']) pace.refuse(id)
    expect(pace.rate()).toBe(accountRate / 2)
  })
  test('halves again while it is refused, down to what still finds out', () => {
    const clock = createFakeClock()
    const pace = createPace(clock)
    for (let n = 0; n < 400; n++) {
      clock.time += 250
      pace.refuse(`c${n % 2}`)
      if (n === 1) expect(pace.rate()).toBeLessThan(accountRate * 0.6)
    }
    expect(pace.rate()).toBeGreaterThanOrEqual(20)
    expect(pace.rate()).toBeLessThan(accountRate * 0.06)
  })
  test('comes back by a tenth of the whole each second', () => {
    const clock = createFakeClock()
    const pace = createPace(clock)
    pace.refuse('a')
    pace.refuse('b')
    clock.time += 1_000
    expect(pace.rate()).toBe(accountRate * 0.6)
    clock.time += 60_000
    expect(pace.rate()).toBe(accountRate)
  })
  test('keeps below a function’s part of the account’s', async () => {
    const clock = createFakeClock()
    const pace = createPace(clock)
    pace.limit(accountRate / 8)
    clock.time += 60_000
    expect(pace.rate()).toBe(1_250)
    expect(await turnsInASecond(pace, clock)).toBeLessThanOrEqual(1_250 * 1.1 + 1)
  })
})
