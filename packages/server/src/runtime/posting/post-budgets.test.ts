import { expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import type { Clock } from '../../ports/clock.ts'
import { createDeadline } from '../context/deadline.ts'
import { createPostBudgets } from './post-budgets.ts'

/** A clock that counts its timers. */
function createCountingClock() {
  const fake = createFakeClock()
  const timers = { begun: 0, cancelled: 0 }
  const clock: Clock = {
    now: () => fake.now(),
    sleep: (ms, signal) => fake.sleep(ms, signal),
    random: () => fake.random(),
    after(ms, fn) {
      timers.begun += 1
      let isCancelled = false
      void fake.sleep(ms).then(() => {
        if (!isCancelled) fn()
      })
      return () => {
        isCancelled = true
        timers.cancelled += 1
      }
    },
  }
  return { fake, clock, timers }
}

test('posts that begin in the same millisecond have one timer, which the last of them cancels', () => {
  const { clock, timers } = createCountingClock()
  const begin = createPostBudgets(clock, 6_000)
  const budgets = Array.from({ length: 50 }, () => begin(undefined))
  expect(timers).toEqual({ begun: 1, cancelled: 0 })
  for (const budget of budgets.slice(1)) budget[Symbol.dispose]()
  expect(timers.cancelled).toBe(0)
  budgets[0]?.[Symbol.dispose]()
  expect(timers.cancelled).toBe(1)
})

test('a post has its whole budget, whatever began before it', async () => {
  const { fake, clock } = createCountingClock()
  const begin = createPostBudgets(clock, 6_000)
  const first = begin(undefined)
  await fake.advance(1)
  const second = begin(undefined)
  await fake.advance(5_999)
  expect([first.deadline.isPassed, second.deadline.isPassed]).toEqual([true, false])
  await fake.advance(1)
  expect(second.deadline.isPassed).toBe(true)
})

test('posts of two functions end at the deadline of their own function', async () => {
  const { fake, clock } = createCountingClock()
  const begin = createPostBudgets(clock, 6_000)
  const [short, long] = [createDeadline(clock, 1_000), createDeadline(clock, 9_000)]
  const budgets = [begin(short), begin(long)]
  await fake.advance(1_000)
  expect(budgets.map(({ deadline }) => deadline.isPassed)).toEqual([true, false])
})

test('a post after the last one of its millisecond gets a budget that can still abort', async () => {
  const { fake, clock } = createCountingClock()
  const begin = createPostBudgets(clock, 6_000)
  begin(undefined)[Symbol.dispose]()
  const later = begin(undefined)
  await fake.advance(6_000)
  expect(later.deadline.isPassed).toBe(true)
})
