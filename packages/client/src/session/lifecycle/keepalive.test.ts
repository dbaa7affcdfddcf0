import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const usualMs = 270_000
const network = { code: 'network', message: 'cut' } as const
const started = (id: number, keepaliveMs?: number, ref = 1) => ({
  id,
  result: { type: 'started', ref, from: 'e:4', head: 'e:4', ...(keepaliveMs === undefined ? {} : { keepaliveMs }) },
})
const pong = { pong: true }

/** A machine with these subscriptions, each wanted to be heard of this often. */
function following(wanted: readonly (number | undefined)[], chance = 0.5) {
  const machine = createMachine(chance)
  machine.open()
  for (const [index, ms] of wanted.entries()) {
    machine.subscribe(index + 1)
    machine.message(started(index + 1, ms))
  }
  return machine
}

/** A keepalive is made and answered; gives how long the next one waits. */
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
  test('comes as often as started says, from then on [TL-PRES-5]', () => {
    const machine = following([22_500])
    expect(machine.timers.get('ping')).toBe(22_500)
    expect(afterOne(machine)).toBe(22_500)
  })

  test.each([
    [0, 18_000],
    [1, 27_000],
  ])('is spread by a fifth (chance %d) [TL-PRES-5]', (chance, ms) => {
    expect(following([22_500], chance).timers.get('ping')).toBe(ms)
  })

  test.each([
    ['the shorter of two', [60_000, 22_500], 22_500],
    ['the shorter of two, whichever came first', [22_500, 60_000], 22_500],
    ['one, beside one that wants nothing', [undefined, 22_500, undefined], 22_500],
    ['none longer than its own', [900_000], usualMs],
    ['none shorter than a second', [1], 1_000],
  ])('follows %s [TL-PRES-5]', (_, wanted, ms) => {
    expect(following(wanted).timers.get('ping')).toBe(ms)
  })

  test('is not put off by subscriptions that come and go [TL-PRES-5]', () => {
    const machine = following([22_500])
    machine.wait(20_000)
    machine.timers.set('ping', 2_500) // what is left of it
    machine.subscribe(2)
    machine.message(started(2, 22_500))
    expect(machine.timers.get('ping')).toBe(2_500)
    machine.subscribe(3)
    machine.message(started(3, 2_000))
    expect(machine.timers.get('ping')).toBe(2_000)
  })

  test('is the usual one again after the subscription that wanted more has stopped [TL-PRES-5]', () => {
    const machine = following([60_000, 22_500])
    machine.feed({ type: 'unsubscribe', id: 2 })
    expect(afterOne(machine)).toBe(60_000)
    machine.feed({ type: 'unsubscribe', id: 1 })
    expect(afterOne(machine)).toBe(usualMs)
  })

  test('comes as often on the next connection, from its hello on [TL-PRES-5]', () => {
    const machine = following([22_500])
    reconnect(machine)
    expect(machine.timers.get('ping')).toBe(22_500)
    machine.message(started(1, 22_500, 2))
    expect(afterOne(machine)).toBe(22_500)
  })

  test('takes what the next connection says: a line deployed with other times [TL-PRES-5]', () => {
    const machine = following([22_500])
    reconnect(machine)
    machine.message(started(1, 45_000, 2))
    expect(afterOne(machine)).toBe(45_000)
    reconnect(machine)
    machine.message(started(1, undefined, 3))
    expect(afterOne(machine)).toBe(usualMs)
  })

  test('comes as often after a hand-over [TL-PRES-5]', () => {
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
