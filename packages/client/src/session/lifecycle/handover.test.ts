// One file over 200 lines: all tests share one session with a hand-over.

import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const notice = { id: null, method: 'reconnect' }
const started = (ref: number, from = 'e:4', id = 1) => ({ id, result: { type: 'started', ref, from, head: from } })
const event = (at: string, id = 1) => ({ id, result: { type: 'data', id: at, data: at } })
const subscribed = (ref: number, lastEventId?: string, id = 1) =>
  `send ${JSON.stringify({ id, method: 'subscription', params: { path: 'live', input: null, ref, ...(lastEventId ? { lastEventId } : {}) } })}`
const stop = (ref: number) => JSON.stringify({ id: 1, method: 'subscription.stop', params: { ref } })

/** A session with a live log and a socket that has been open for a minute. */
function live(chance = 0) {
  const machine = createMachine(chance)
  machine.open()
  machine.subscribe(1)
  machine.message(started(1))
  machine.wait(60_000)
  return {
    ...machine,
    get state() {
      return machine.state
    },
    greet(hello: object = {}) {
      machine.feed({ type: 'opened', socket: 2 })
      const limits = { frameBytes: 32_768, lifetimeMs: 7_200_000 }
      const result = { type: 'hello', session: 's', time: 0, limits, ...hello }
      return machine.messageOf(2, { id: `hello-${machine.state.serial}`, result })
    },
  }
}

describe('a hand-over', () => {
  test.each([
    [0, 100],
    [0.5, 107.5],
    [1, 115],
  ])('begins when a socket is 100 to 115 minutes old (chance %d) [TL-HAND-1]', (chance, minutes) => {
    expect(live(chance).timers.get('handover')).toBe(minutes * 60_000)
  })

  test('begins once when the server sends the notice [TL-HAND-1]', () => {
    const machine = live()
    expect(machine.message(notice)).toEqual(['connect@2'])
    expect(machine.message(notice)).toEqual([])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
  })

  test('does not begin on a socket that is a few seconds old, even after a notice', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.message(notice)).toEqual([])
  })

  test('resumes every log on the new socket and drops the old one when all have started [TL-HAND-2]', () => {
    const machine = live()
    machine.fire({ kind: 'handover' })
    expect(machine.message(event('e:5'))).toEqual(['deliver 1 e:5'])
    expect(machine.call(2)).toEqual(['send query 2']) // still on the old one
    expect(machine.greet()).toEqual([subscribed(2, 'e:5')])
    expect(machine.call(3)).toEqual(['send query 3'])
    expect(machine.messageOf(1, event('e:6'))).toEqual(['deliver 1 e:6']) // the old socket still delivers
    expect(machine.message(started(2, 'e:5'), event('e:6'), event('e:7'))).toEqual(['deliver 1 e:7'])
    expect(machine.messageOf(1, { id: 2, result: { type: 'data' } })).toEqual(['answer 2', 'drop@1'])
    expect(machine.messageOf(1, event('e:8'))).toEqual([]) // late
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.timers.has('drain')).toBe(false)
  })

  test('values without a cursor are accepted from one socket only', () => {
    const machine = live()
    machine.subscribe(2)
    machine.message({ id: 2, result: { type: 'started', ref: 1 } })
    machine.message(notice)
    expect(machine.message({ id: 2, result: { type: 'data', data: 1 } })).toEqual(['deliver 2 1'])
    machine.greet()
    expect(machine.messageOf(1, { id: 2, result: { type: 'data', data: 2 } })).toEqual([])
    expect(machine.messageOf(1, { id: 2, result: { type: 'data', id: 'own:2', data: 2 } })).toEqual([])
    expect(machine.message({ id: 2, result: { type: 'data', data: 2 } })).toEqual(['deliver 2 2'])
  })

  test('answers and errors of the old socket to subscribes are ignored', () => {
    const machine = live()
    machine.message(notice)
    machine.subscribe(2)
    machine.greet()
    expect(
      machine.messageOf(1, started(1, 'e:9', 2), { id: 1, error: {} }, { id: 1, result: { type: 'stopped' } }),
    ).toEqual([])
    expect(machine.message(started(2), started(2, 'e:9', 2))).toEqual(['started 2', 'drop@1'])
  })

  test('a stop is sent on both sockets [TL-HAND-2]', () => {
    const machine = live()
    machine.message(notice)
    machine.subscribe(2)
    machine.greet()
    expect(machine.feed({ type: 'unsubscribe', id: 1 })).toEqual([`send ${stop(2)}`, `send@1 ${stop(2)}`])
    expect(machine.messageOf(1, event('e:9'))).toEqual([])
    machine.wait(5_000)
    expect(machine.messageOf(1, event('e:10'))).toEqual([`send@1 ${stop(2)}`]) // the stop was lost
  })

  test('waits 10 s for subscriptions and 30 s for calls, then sends the calls again on the new socket', () => {
    const machine = live()
    machine.call(2, 'mutation')
    machine.call(3, 'mutation', { resends: true, text: 'keyed 3' })
    machine.message(notice)
    machine.greet()
    expect(machine.timers.get('drain')).toBe(10_000)
    expect(machine.fire({ kind: 'drain' })).toEqual([])
    expect(machine.timers.get('drain')).toBe(20_000)
    expect(machine.fire({ kind: 'drain' })).toEqual(['drop@1', 'fail 2 CONNECTION_LOST may have run', 'send keyed 3'])
  })

  test('the loss of the old socket ends it, and calls that may be sent again are', () => {
    const machine = live()
    machine.call(2)
    machine.message(notice)
    machine.greet()
    expect(machine.feed({ type: 'lost', socket: 1, cause: network })).toEqual(['drop@1', 'send query 2'])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
  })

  test.each([
    [
      'that cannot connect',
      (machine: ReturnType<typeof live>) => machine.feed({ type: 'lost', socket: 2, cause: network }),
    ],
    [
      'that is lost before its hello',
      (machine: ReturnType<typeof live>) => {
        machine.feed({ type: 'opened', socket: 2 })
        return machine.feed({ type: 'lost', socket: 2, cause: network })
      },
    ],
    [
      'whose hello is not answered',
      (machine: ReturnType<typeof live>) => {
        machine.feed({ type: 'opened', socket: 2 })
        return machine.fire({ kind: 'hello' })
      },
    ],
    [
      'whose hello killed the function',
      (machine: ReturnType<typeof live>) => {
        machine.feed({ type: 'opened', socket: 2 })
        return machine.messageOf(2, { message: 'Internal server error', connectionId: 'c', requestId: 'r' })
      },
    ],
  ])('a new socket %s drops both, and the client reconnects [TL-HAND-3]', (_, fail) => {
    const machine = live()
    machine.message(notice)
    expect(fail(machine)).toEqual(['replace', 'drop@2'])
    expect(machine.state).toMatchObject({ phase: 'connecting', handover: null, status: { status: 'reconnecting' } })
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
  })

  test.each([false, true])('a loss of the socket in use drops both (switched: %s) [TL-HAND-3]', (moved) => {
    const machine = live()
    machine.call(2)
    machine.message(notice)
    if (moved) machine.greet()
    const { socket } = machine.state
    expect(machine.feed({ type: 'lost', cause: network })).toEqual([`drop@${3 - socket}`])
    expect([...machine.timers.keys()].sort()).toEqual(['deadline 2', 'retry'])
  })

  test('a refusal of the new socket closes both permanently', () => {
    const machine = live()
    machine.message(notice)
    expect(machine.greet({ refused: 'banned' })).toContain('disconnect')
    expect(machine.state).toMatchObject({ phase: 'refused', handover: null })
  })

  test.each([false, true])('close leaves no socket and no timer (switched: %s) [TL-HAND-4]', (moved) => {
    const machine = live()
    machine.message(notice)
    if (moved) machine.greet()
    expect(machine.feed({ type: 'close' })).toEqual(expect.arrayContaining(['disconnect', 'closed']))
    expect([...machine.timers.keys()]).toEqual([])
    expect(machine.feed({ type: 'opened', socket: 2 })).toEqual([])
  })

  test('closing waits for the calls of the old socket', () => {
    const machine = live()
    machine.call(2)
    machine.message(notice)
    machine.greet()
    machine.feed({ type: 'close' })
    expect(machine.messageOf(1, { id: 2, result: { type: 'data' } })).toEqual([
      'answer 2',
      'drop@1',
      'disconnect',
      'closed',
    ])
  })

  test('restart drops both', () => {
    const machine = live()
    machine.message(notice)
    expect(machine.feed({ type: 'restart' })).toEqual(['renew-session', 'disconnect', 'connect'])
    expect(machine.state).toMatchObject({ handover: null, socket: 3 })
  })
})
