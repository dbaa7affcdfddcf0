import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const kicked = (rest: object = {}) => ({ id: null, method: 'kicked', params: { reason: 'spam', time: 5_000, ...rest } })
const cause = { code: 'kicked', message: 'spam' }

describe('a kicked session [TL-KICK-5]', () => {
  test('closes with the reason, fails its calls and ends its subscriptions', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    machine.subscribe(2)
    expect(machine.message(kicked())).toEqual(['fail 1 CLOSED may have run', 'fail 2 CLOSED', 'disconnect'])
    expect(machine.state.status).toEqual({ status: 'closed', cause })
    expect([...machine.timers.keys()]).toEqual([])
    expect(machine.call(3)).toEqual(['fail 3 CLOSED'])
  })
  test('connects again when the application says so', () => {
    const machine = createMachine()
    machine.open()
    machine.message(kicked())
    expect(machine.feed({ type: 'retry-now' })).toEqual(['connect'])
    machine.open()
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
  })
  test('comes back after its ban, by the time between the two clocks of the server, and resumes', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    machine.subscribe(2)
    expect(machine.message(kicked({ until: 65_000 }))).toEqual(['fail 1 CLOSED may have run', 'disconnect'])
    expect(machine.state.status).toEqual({ status: 'closed', cause: { ...cause, until: 65_000 } })
    expect([...machine.timers]).toEqual([['retry', 60_000]])
    expect(machine.fire({ kind: 'retry' })).toEqual(['connect'])
    expect(machine.open()).toEqual([expect.stringContaining('"method":"subscription"')])
  })
  test('waits for 1 s at least, and for a long ban as long as a timer can', () => {
    for (const [until, ms] of [
      [4_000, 1_000],
      [1e15, 2 ** 31 - 1],
    ] as const) {
      const machine = createMachine()
      machine.open()
      machine.message(kicked({ until }))
      expect([...machine.timers]).toEqual([['retry', ms]])
    }
  })
  test('that learns it instead of an answer to its hello closes too [TL-KICK-4]', () => {
    const machine = createMachine()
    machine.subscribe(2)
    machine.feed({ type: 'opened' })
    expect(machine.message(kicked())).toEqual(['fail 2 CLOSED', 'disconnect'])
    expect(machine.state.status).toEqual({ status: 'closed', cause })
  })
  test('closes both sockets of a hand-over, whichever has the frame', () => {
    const machine = createMachine()
    machine.open()
    machine.wait(20_000)
    expect(machine.fire({ kind: 'handover' })).toContain('connect@2')
    expect(machine.messageOf(2, kicked())).toEqual(['disconnect'])
    expect(machine.state.handover).toBeNull()
    expect(machine.state.status).toEqual({ status: 'closed', cause })
  })
  test('while it closes is closed by the application', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    machine.feed({ type: 'close' })
    machine.message(kicked({ until: 65_000 }))
    expect(machine.state.status).toMatchObject({ cause: { code: 'closed-by-you' } })
    expect([...machine.timers.keys()]).toEqual([])
  })
})
