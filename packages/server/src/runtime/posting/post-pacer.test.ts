import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import { accountRate, createPostPacer } from './post-pacer.ts'

/** Turns that may be taken in the next second, each when it has come. */
async function turnsInASecond(pacer: ReturnType<typeof createPostPacer>, clock: ReturnType<typeof createFakeClock>) {
  const end = clock.now() + 1_000
  let turns = 0
  for (;;) {
    const ms = pacer.reserve()
    if (clock.now() + ms >= end) return turns
    clock.time += ms
    turns += 1
  }
}

describe('the pacer of a process', () => {
  test('is the account’s until something is refused', async () => {
    const clock = createFakeClock()
    const turns = await turnsInASecond(createPostPacer(clock), clock)
    expect(turns).toBeGreaterThan(accountRate * 0.99)
    expect(turns).toBeLessThanOrEqual(accountRate * 1.1 + 1) // with its burst
  })
  test('is not slowed by one connection that refuses, since that one’s client is slow', () => {
    const pacer = createPostPacer(createFakeClock())
    for (let n = 0; n < 100; n++) pacer.noteThrottled('a')
    expect(pacer.rate()).toBe(accountRate)
  })
  test('is not slowed by two slow clients among a hundred others', () => {
    const pacer = createPostPacer(createFakeClock())
    for (let n = 0; n < 100; n++) pacer.reserve()
    expect(['a', 'b', 'a', 'b'].map((id) => pacer.noteThrottled(id))).toEqual(Array(4).fill('connection'))
    expect(pacer.rate()).toBe(accountRate)
  })
  test('is the account’s affair once a twentieth of what is posted is refused', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    for (let n = 0; n < 100; n++) pacer.reserve()
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => pacer.noteThrottled(id))).toEqual([
      ...Array(4).fill('connection'),
      'account',
    ])
    expect(pacer.rate()).toBe(accountRate / 2)
    clock.time += 5_000 // and what was posted long ago counts no more
    expect(['a', 'b'].map((id) => pacer.noteThrottled(id))).toEqual(['connection', 'account'])
  })
  test('halves when two are refused, once for what was under way', () => {
    const pacer = createPostPacer(createFakeClock())
    for (const id of ['a', 'b', 'c', 'd']) pacer.noteThrottled(id)
    expect(pacer.rate()).toBe(accountRate / 2)
  })
  test('halves again while it is refused, down to what still finds out', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    for (let n = 0; n < 400; n++) {
      clock.time += 250
      pacer.noteThrottled(`c${n % 2}`)
      if (n === 1) expect(pacer.rate()).toBeLessThan(accountRate * 0.6)
    }
    expect(pacer.rate()).toBeGreaterThanOrEqual(20)
    expect(pacer.rate()).toBeLessThan(accountRate * 0.06)
  })
  test('comes back by a tenth of the whole each second', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    pacer.noteThrottled('a')
    pacer.noteThrottled('b')
    clock.time += 1_000
    expect(pacer.rate()).toBe(accountRate * 0.6)
    clock.time += 60_000
    expect(pacer.rate()).toBe(accountRate)
  })
  test('keeps below a function’s part of the account’s', async () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    pacer.limit(accountRate / 8)
    clock.time += 60_000
    expect(pacer.rate()).toBe(1_250)
    expect(await turnsInASecond(pacer, clock)).toBeLessThanOrEqual(1_250 * 1.1 + 1)
  })
})
