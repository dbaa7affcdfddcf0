import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../ports/clock.ts'
import { createDeadline, withinDeadline } from './deadline.ts'

const { after: _, ...withoutAfter } = systemClock
const clocks: readonly (readonly [string, Clock])[] = [
  ["the machine's clock", systemClock],
  ['a clock without `after`', withoutAfter],
]

describe.each(clocks)('with %s', (_name, clock) => {
  test('the signal of a deadline aborts when it passes', async () => {
    using deadline = createDeadline(clock, 5)
    expect(deadline.signal.aborted).toBe(false)
    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve))
    expect(String(deadline.signal.reason)).toContain('The deadline of 5 ms passed.')
  })

  test('the signal of a deadline that was disposed never aborts', async () => {
    const deadline = createDeadline(clock, 5)
    deadline[Symbol.dispose]()
    await sleep(20)
    expect(deadline.signal.aborted).toBe(false)
  })

  test('a deadline without time left has passed at once', () => {
    using deadline = createDeadline(clock, 0)
    expect(deadline.signal.aborted).toBe(true)
    expect(() => deadline.throwIfPassed()).toThrow('The deadline of 0 ms passed.')
  })

  test('a signal that is first read after the deadline has aborted with its reason', async () => {
    using deadline = createDeadline(clock, 5)
    const reason = await new Promise((resolve) => deadline.onPass(resolve))
    expect(deadline.isPassed).toBe(true)
    expect(deadline.signal.reason).toBe(reason)
  })

  test('work that hangs is given up when the deadline passes, with the reason of its signal', async () => {
    using deadline = createDeadline(clock, 5)
    const thrown = await withinDeadline(deadline, new Promise(() => {})).catch((reason: unknown) => reason)
    expect(thrown).toBe(deadline.signal.reason)
    await expect(withinDeadline(deadline, new Promise(() => {}))).rejects.toBe(thrown)
  })

  test('work that ends in time has its own end, and is not called by the deadline', async () => {
    using deadline = createDeadline(clock, 5)
    let calls = 0
    deadline.onPass(() => calls++)()
    await expect(withinDeadline(deadline, Promise.resolve(7))).resolves.toBe(7)
    await expect(withinDeadline(deadline, Promise.reject(new Error('own')))).rejects.toThrow('own')
    await new Promise((resolve) => deadline.onPass(resolve))
    expect(calls).toBe(0)
  })
})
