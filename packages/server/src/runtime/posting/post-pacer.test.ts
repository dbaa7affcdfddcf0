import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import { createPostPacer, defaultAccountRate } from './post-pacer.ts'

/** The posts that may start in the next second, each at its reserved time. */
async function postsInASecond(pacer: ReturnType<typeof createPostPacer>, clock: ReturnType<typeof createFakeClock>) {
  const end = clock.now() + 1_000
  let posts = 0
  for (;;) {
    const ms = pacer.reserve()
    if (clock.now() + ms >= end) return posts
    clock.time += ms
    posts += 1
  }
}

describe('the pacer of a process', () => {
  test('allows the account’s rate until a post is refused', async () => {
    const clock = createFakeClock()
    const posts = await postsInASecond(createPostPacer(clock), clock)
    expect(posts).toBeGreaterThan(defaultAccountRate * 0.99)
    expect(posts).toBeLessThanOrEqual(defaultAccountRate * 1.1 + 1) // with its burst
  })
  test('is not slowed by refusals of a single connection, whose client is slow', () => {
    const pacer = createPostPacer(createFakeClock())
    for (let n = 0; n < 100; n++) pacer.noteThrottled('a')
    expect(pacer.rate()).toBe(defaultAccountRate)
  })
  test('is not slowed by two slow clients among a hundred posts', () => {
    const pacer = createPostPacer(createFakeClock())
    for (let n = 0; n < 100; n++) pacer.reserve()
    expect(['a', 'b', 'a', 'b'].map((id) => pacer.noteThrottled(id))).toEqual(Array(4).fill('connection'))
    expect(pacer.rate()).toBe(defaultAccountRate)
  })
  test('blames the account’s quota once a twentieth of all posts is refused', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    for (let n = 0; n < 100; n++) pacer.reserve()
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => pacer.noteThrottled(id))).toEqual([
      ...Array(4).fill('connection'),
      'account',
    ])
    expect(pacer.rate()).toBe(defaultAccountRate / 2)
    clock.time += 5_000 // and what was posted long ago counts no more
    expect(['a', 'b'].map((id) => pacer.noteThrottled(id))).toEqual(['connection', 'account'])
  })
  test('halves its rate when two connections are refused, once for all posts under way', () => {
    const pacer = createPostPacer(createFakeClock())
    for (const id of ['a', 'b', 'c', 'd']) pacer.noteThrottled(id)
    expect(pacer.rate()).toBe(defaultAccountRate / 2)
  })
  test('keeps halving its rate while posts are refused, down to a minimum', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    for (let n = 0; n < 400; n++) {
      clock.time += 250
      pacer.noteThrottled(`c${n % 2}`)
      if (n === 1) expect(pacer.rate()).toBeLessThan(defaultAccountRate * 0.6)
    }
    expect(pacer.rate()).toBeGreaterThanOrEqual(20)
    expect(pacer.rate()).toBeLessThan(defaultAccountRate * 0.06)
  })
  test('recovers by a tenth of the ceiling each second', () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    pacer.noteThrottled('a')
    pacer.noteThrottled('b')
    clock.time += 1_000
    expect(pacer.rate()).toBe(defaultAccountRate * 0.6)
    clock.time += 60_000
    expect(pacer.rate()).toBe(defaultAccountRate)
  })
  test('stays below the limit of one function', async () => {
    const clock = createFakeClock()
    const pacer = createPostPacer(clock)
    pacer.limit(defaultAccountRate / 8)
    clock.time += 60_000
    expect(pacer.rate()).toBe(1_250)
    expect(await postsInASecond(pacer, clock)).toBeLessThanOrEqual(1_250 * 1.1 + 1)
  })
})
