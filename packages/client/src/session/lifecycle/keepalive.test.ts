import { defined } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const usualMs = 270_000
const network = { code: 'network', message: 'cut' } as const
const started = (id: number, keepaliveMs?: number, ref = 1) => ({
  id,
  result: { type: 'started', ref, from: 'e:4', head: 'e:4', ...defined({ keepaliveMs }) },
})
const pong = { pong: true }

/** A session with these subscriptions and the keepalive interval that each needs. */
function following(intervals: readonly (number | undefined)[], chance = 0.5) {
  const machine = createMachine(chance)
  machine.open()
  for (const [index, ms] of intervals.entries()) {
    machine.subscribe(index + 1)
    machine.message(started(index + 1, ms))
  }
  return machine
}

/** Runs a keepalive and its answer, and returns the delay of the next one. */
function afterOne(machine: ReturnType<typeof createMachine>): number | undefined {
  machine.fire({ kind: 'ping' })
  machine.message(pong)
  return machine.timers.get('ping')
}

function reconnect(machine: ReturnType<typeof createMachine>): void {
  machine.feed({ type: 'lost', cause: network })
  machine.fire({ kind: 'retry' })
  machine.open()
}

describe('the keepalive', () => {
  test('comes at the interval in `started` [TL-PRES-5]', () => {
    const machine = following([22_500])
    expect(machine.timers.get('ping')).toBe(22_500)
    expect(afterOne(machine)).toBe(22_500)
  })

  test.each([
    [0, 18_000],
    [1, 27_000],
  ])('varies by 20 %% (chance %d) [TL-PRES-5]', (chance, ms) => {
    expect(following([22_500], chance).timers.get('ping')).toBe(ms)
  })

  test.each([
    ['the shorter of two', [60_000, 22_500], 22_500],
    ['the shorter of two, whichever came first', [22_500, 60_000], 22_500],
    ['one, next to subscriptions that need none', [undefined, 22_500, undefined], 22_500],
    ['none longer than its own', [900_000], usualMs],
    ['none shorter than a second', [1], 1_000],
  ])('follows %s [TL-PRES-5]', (_, intervals, ms) => {
    expect(following(intervals).timers.get('ping')).toBe(ms)
  })

  test('is not postponed by subscriptions that start and stop [TL-PRES-5]', () => {
    const machine = following([22_500])
    machine.wait(20_000)
    machine.timers.set('ping', 2_500) // the remaining time
    machine.subscribe(2)
    machine.message(started(2, 22_500))
    expect(machine.timers.get('ping')).toBe(2_500)
    machine.subscribe(3)
    machine.message(started(3, 2_000))
    expect(machine.timers.get('ping')).toBe(2_000)
  })

  test('has its default interval again after the subscription that needed a shorter one has stopped [TL-PRES-5]', () => {
    const machine = following([60_000, 22_500])
    machine.feed({ type: 'unsubscribe', id: 2 })
    expect(afterOne(machine)).toBe(60_000)
    machine.feed({ type: 'unsubscribe', id: 1 })
    expect(afterOne(machine)).toBe(usualMs)
  })

  test('has the same interval on the next connection, from its hello on [TL-PRES-5]', () => {
    const machine = following([22_500])
    reconnect(machine)
    expect(machine.timers.get('ping')).toBe(22_500)
    machine.message(started(1, 22_500, 2))
    expect(afterOne(machine)).toBe(22_500)
  })

  test('uses the interval of the next connection after a deployment with other times [TL-PRES-5]', () => {
    const machine = following([22_500])
    reconnect(machine)
    machine.message(started(1, 45_000, 2))
    expect(afterOne(machine)).toBe(45_000)
    reconnect(machine)
    machine.message(started(1, undefined, 3))
    expect(afterOne(machine)).toBe(usualMs)
  })

  test('has the same interval after a hand-over [TL-PRES-5]', () => {
    const machine = following([22_500])
    machine.wait(60_000)
    machine.fire({ kind: 'handover' })
    machine.feed({ type: 'opened', socket: 2 })
    machine.messageOf(2, {
      id: `hello-${machine.state.serial}`,
      result: { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } },
    })
    expect(machine.timers.get('ping')).toBe(22_500)
  })
})
