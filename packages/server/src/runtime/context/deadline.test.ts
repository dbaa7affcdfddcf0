import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../ports/clock.ts'
import { createDeadline } from './deadline.ts'

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
  })
})
