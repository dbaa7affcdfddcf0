import { describe, expect, test } from 'vitest'
import { createFakeClock, settle } from '../../lambda/test-line.suite.ts'
import type { Slot } from '../../ports/log.ts'
import { type Appended, createAppendQueues, type Tail } from './append-queues.ts'
import { createDeadline, DeadlinePassed } from './deadline.ts'

const slotOf = (offset: number): Slot => ({ offset, epoch: 'e', publishId: `p${offset}`, time: 0, expires: 0 })
const after = (tail: Tail | undefined, deliver?: Appended['deliver']): Appended => {
  const slot = slotOf((tail?.at(-1)?.offset ?? 0) + 1)
  return { slot, put: true, tail: [slot], deliver }
}
const never = () => new Promise<never>(() => {})

describe('appends to one topic', () => {
  test('run one after another, each from what the one before has seen', async () => {
    const queues = createAppendQueues(createFakeClock())
    let running = 0
    const work = async (tail: Tail | undefined) => {
      running += 1
      expect(running).toBe(1)
      await settle()
      running -= 1
      return after(tail)
    }
    const appended = await Promise.all([1, 2, 3].map(() => queues.run('a', work, undefined)))
    expect(appended.map(({ slot }) => slot.offset)).toEqual([1, 2, 3])
  })
  test('begin anew when nothing waits, since others may append meanwhile', async () => {
    const queues = createAppendQueues(createFakeClock())
    const tails: (Tail | undefined)[] = []
    const work = async (tail: Tail | undefined) => {
      tails.push(tail)
      return after(tail)
    }
    await queues.run('a', work, undefined)
    await queues.run('a', work, undefined)
    expect(tails).toEqual([undefined, undefined])
  })
  test('do not wait for one whose deadline has passed, and then read the log', async () => {
    const clock = createFakeClock()
    const queues = createAppendQueues(clock)
    using deadline = createDeadline(clock, 100)
    const hanging = queues.run('a', never, deadline)
    const next = queues.run(
      'a',
      async (tail) => ({ ...after(tail), slot: slotOf(tail === undefined ? 9 : 1) }),
      undefined,
    )
    const failed = expect(hanging).rejects.toThrow(DeadlinePassed)
    await clock.advance(100)
    await failed
    expect((await next).slot.offset).toBe(9)
  })
  test('never begin after their deadline, and reject at it while they wait', async () => {
    const clock = createFakeClock()
    const queues = createAppendQueues(clock)
    using deadline = createDeadline(clock, 100)
    let release = () => {}
    const first = queues.run('a', () => new Promise((resolve) => (release = () => resolve(after([])))), undefined)
    let begun = false
    const late = queues.run(
      'a',
      async (tail) => {
        begun = true
        return after(tail)
      },
      deadline,
    )
    const third = queues.run('a', async (tail) => after(tail), undefined)
    const failed = expect(late).rejects.toThrow(DeadlinePassed)
    await clock.advance(100)
    await failed
    release()
    expect([(await first).slot.offset, (await third).slot.offset, begun]).toEqual([1, 2, false])
  })
  test('of another topic do not wait', async () => {
    const queues = createAppendQueues(createFakeClock())
    void queues.run('a', never, undefined)
    expect((await queues.run('b', async (tail) => after(tail), undefined)).slot.offset).toBe(1)
  })
})

describe('slots that are delivered', () => {
  const delivering = () => {
    const delivered: number[][] = []
    const deliver = async (slots: readonly Slot[]) => void delivered.push(slots.map(({ offset }) => offset))
    return { delivered, deliver }
  }
  test('leave together when their appends waited for each other, at most 16 at once', async () => {
    const queues = createAppendQueues(createFakeClock())
    const { delivered, deliver } = delivering()
    const work = async (tail: Tail | undefined) => after(tail, deliver)
    const appended = await Promise.all(Array.from({ length: 20 }, () => queues.run('a', work, undefined)))
    await Promise.all(appended.map((each) => each.delivered))
    expect(delivered.map(({ length }) => length)).toEqual([16, 4])
  })
  test('leave after 50 ms when the next append hangs', async () => {
    const clock = createFakeClock()
    const queues = createAppendQueues(clock)
    const { delivered, deliver } = delivering()
    void queues.run('a', async (tail) => after(tail, deliver), undefined)
    void queues.run('a', never, undefined)
    await settle()
    await clock.advance(49)
    expect(delivered).toEqual([])
    await clock.advance(1)
    expect(delivered).toEqual([[1]])
  })
  test('leave when the last append fails', async () => {
    const queues = createAppendQueues(createFakeClock())
    const { delivered, deliver } = delivering()
    const first = queues.run('a', async (tail) => after(tail, deliver), undefined)
    await queues.run('a', async () => Promise.reject(new Error('no')), undefined).catch(() => {})
    await (await first).delivered
    expect(delivered).toEqual([[1]])
  })
})
