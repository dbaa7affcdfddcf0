// One file over 200 lines: one table has all frames that can be unanswered.

import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../../testing/session.suite.ts'
import type { NewCall } from '../machine/events.ts'

const gateway = { message: 'Internal server error', connectionId: 'c', requestId: 'r' }
const late = { ...gateway, message: 'Endpoint request timed out' }
const network = { code: 'network', message: 'cut' } as const
const keyed = { key: 'own.k', resends: true, text: '{"id":1,"method":"mutation","params":{"path":"a"}}' }
const resent = 'send {"id":1,"method":"mutation","params":{"path":"a","key":"own.k","resend":true}}'
const answer = (id: number | string) => ({ id, result: { type: 'data' } })
const started = (id: number, ref = 1) => ({ id, result: { type: 'started', ref, from: 'e:4', head: 'e:4' } })

type Machine = ReturnType<typeof createMachine>

function opened() {
  const machine = createMachine()
  machine.open()
  return machine
}
/** A call without a key, which an error without an id can fail. */
const call = (machine: Machine, id: number, options: Partial<NewCall> = {}) =>
  machine.call(id, 'mutation', { timeoutMs: 60_000, ...options })

function live(machine: Machine, id: number): void {
  machine.subscribe(id)
  machine.message(started(id))
}

describe('an error without an id', () => {
  test('fails the call without a key that is alone in flight [TL-GW-2]', () => {
    const machine = opened()
    call(machine, 2)
    expect(machine.message(gateway)).toEqual(['fail 2 FUNCTION_FAILED may have run'])
  })

  test.each<readonly [string, (machine: Machine) => void]>([
    ['a query that was aborted', (machine) => [machine.call(9), machine.feed({ type: 'abort', id: 9 })]],
    ['a query past its own deadline', (machine) => [machine.call(9), machine.fire({ kind: 'deadline', id: 9 })]],
    [
      'a mutation past its own deadline',
      (machine) => [machine.call(9, 'mutation'), machine.fire({ kind: 'deadline', id: 9 })],
    ],
    ['a subscribe', (machine) => machine.subscribe(9)],
    [
      'a subscribe that was stopped before it started, and the stop',
      (machine) => [machine.subscribe(9), machine.feed({ type: 'unsubscribe', id: 9 })],
    ],
    ['the stop of a live subscription', (machine) => [live(machine, 9), machine.feed({ type: 'unsubscribe', id: 9 })]],
    [
      'a subscribe whose stop was answered',
      (machine) => [
        machine.subscribe(9),
        machine.feed({ type: 'unsubscribe', id: 9 }),
        machine.message({ id: 9, result: { type: 'stopped' } }),
      ],
    ],
    [
      'a subscribe that got a push before its answer',
      (machine) => [machine.subscribe(9), machine.message({ id: 9, result: { type: 'data', id: 'e:5', data: 5 } })],
    ],
    ['a sync', (machine) => [live(machine, 9), machine.fire({ kind: 'ping' })]],
    ['a ping', (machine) => machine.fire({ kind: 'ping' })],
    [
      'the cancel of an accepted query',
      (machine) => [
        machine.call(9),
        machine.message({ id: 9, result: { type: 'accepted' } }),
        machine.feed({ type: 'abort', id: 9 }),
      ],
    ],
    [
      'a token that was sent',
      (machine) => [machine.fire({ kind: 'renew' }), machine.feed({ type: 'token', token: 'fresh' })],
    ],
    [
      'a part of a message whose call was answered',
      (machine) => [
        machine.call(9, 'query', { bytes: 50_000, text: `{"id":9,"params":{"input":"${'x'.repeat(50_000)}"}}` }),
        machine.message(answer(9)),
      ],
    ],
    [
      'a subscription that a resume asked for in an array',
      (machine) => {
        live(machine, 8)
        live(machine, 9)
        machine.feed({ type: 'lost', cause: network })
        machine.feed({ type: 'opened' })
        machine.message({
          ...helloFrame({ limits: { frameBytes: 32_768, lifetimeMs: 7_200_000, batchSize: 100 } }),
          id: `hello-${machine.state.serial}`,
        })
        machine.message(started(8, 2))
      },
    ],
  ])('fails no call while %s is unanswered [TL-GW-2]', (_, begin) => {
    const machine = createMachine()
    const limits = { frameBytes: 32_768, maxMessageBytes: 1_000_000, lifetimeMs: 7_200_000 }
    machine.open({ authExpires: 60_000, limits })
    begin(machine)
    call(machine, 2)
    expect(machine.message(gateway)).toEqual([])
    expect(machine.message(answer(2))).toEqual(['answer 2'])
  })

  test('counts an aborted frame for 30 s [TL-GW-2]', () => {
    const machine = opened()
    machine.call(9)
    machine.feed({ type: 'abort', id: 9 })
    machine.wait(29_999)
    call(machine, 2)
    expect(machine.message(late)).toEqual([])
    machine.message(answer(2))
    machine.wait(1)
    call(machine, 3)
    expect(machine.message(gateway)).toEqual(['fail 3 FUNCTION_FAILED may have run'])
  })

  test('does not count an answered frame, even when no call awaited the answer [TL-GW-2]', () => {
    const machine = opened()
    machine.call(9)
    machine.feed({ type: 'abort', id: 9 })
    machine.message(answer(9))
    live(machine, 8)
    machine.feed({ type: 'unsubscribe', id: 8 })
    machine.message({ id: 8, result: { type: 'stopped' } })
    machine.fire({ kind: 'ping' })
    machine.message({ pong: true })
    call(machine, 2)
    expect(machine.message(gateway)).toEqual(['fail 2 FUNCTION_FAILED may have run'])
  })

  test('does not count frames of another socket or of the previous one [TL-GW-2]', () => {
    const machine = opened()
    machine.call(9)
    machine.feed({ type: 'abort', id: 9 })
    machine.feed({ type: 'lost', cause: network })
    machine.open()
    call(machine, 2)
    expect(machine.message(gateway)).toEqual(['fail 2 FUNCTION_FAILED may have run'])
    machine.call(9)
    machine.wait(20_000)
    machine.fire({ kind: 'handover' })
    machine.feed({ type: 'opened', socket: 2 })
    machine.messageOf(2, { ...helloFrame(), id: `hello-${machine.state.serial}` })
    call(machine, 3)
    expect(machine.messageOf(2, gateway)).toEqual(['fail 3 FUNCTION_FAILED may have run'])
  })

  test('counts as one answer: the next error is about another frame', () => {
    const machine = opened()
    call(machine, 2)
    machine.message(gateway)
    call(machine, 3)
    expect(machine.message(gateway)).toEqual(['fail 3 FUNCTION_FAILED may have run'])
  })

  test('counts both frames of a call that was sent twice, so that no later call fails', () => {
    const machine = opened()
    machine.call(1, 'mutation', { ...keyed, timeoutMs: 60_000 })
    machine.message({ id: 1, error: {}, line: { code: 'PENDING', retry: 'later', mayHaveRun: true } })
    machine.fire({ kind: 'resend', id: 1 })
    machine.feed({ type: 'abort', id: 1 })
    call(machine, 2)
    expect(machine.message(late)).toEqual([])
  })
})

describe('a keyed mutation', () => {
  test('is sent again under its key after a back-off when an error without an id arrives [TL-GW-2] [TL-KEY-10]', () => {
    const machine = createMachine(0.5)
    machine.open()
    machine.call(1, 'mutation', keyed)
    expect(machine.message(gateway)).toEqual([])
    expect(machine.timers.get('resend 1')).toBe(300)
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual([resent])
    expect(machine.message(gateway)).toEqual([])
    expect(machine.timers.get('resend 1')).toBe(550)
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual([resent])
    expect(machine.message(answer(1))).toEqual(['answer 1'])
    expect(machine.timers.has('resend 1')).toBe(false)
  })

  test('is settled by an answer that arrives before it is sent again', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.message(gateway)
    expect(machine.message(answer(1))).toEqual(['answer 1'])
    expect(machine.timers.has('resend 1')).toBe(false)
  })

  test('is not postponed by repeated errors', () => {
    const machine = createMachine(0.5)
    machine.open()
    machine.call(1, 'mutation', keyed)
    machine.message(gateway)
    machine.timers.set('resend 1', 1) // the remaining time
    machine.message(gateway)
    expect(machine.timers.get('resend 1')).toBe(1)
  })

  test('is sent again at once on a new socket, and only once', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.message(gateway)
    machine.feed({ type: 'lost', cause: network })
    expect(machine.timers.has('resend 1')).toBe(false)
    expect(machine.open()).toEqual([resent])
    machine.message(gateway)
    expect(machine.timers.has('resend 1')).toBe(true)
  })

  test('that was accepted ignores the error, since the gateway’s limits do not apply to it [TL-LONG-5]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.message({ id: 1, result: { type: 'accepted', key: 'own.k', askAfterMs: 15_000 } })
    machine.message(late)
    expect(machine.timers.get('resend 1')).toBe(15_000)
  })

  test('that waits to be sent again at its deadline fails with the gateway’s message', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.message(gateway)
    machine.fire({ kind: 'resend', id: 1 })
    machine.message(gateway)
    expect(machine.fire({ kind: 'deadline', id: 1 })).toEqual(['fail 1 FUNCTION_FAILED may have run'])
  })
})
