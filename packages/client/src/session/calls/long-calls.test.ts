import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const gateway = { message: 'Endpoint request timed out', connectionId: 'c', requestId: 'r' }
const accepted = (id: number, rest: object = {}) => ({ id, result: { type: 'accepted', ...rest } })
const answer = (id: number) => ({ id, result: { type: 'data', data: 'x' } })
const key = 'own.k'
const keyed = { text: '{"id":1,"params":{"path":"a"}}', key, resends: true }
const resent = 'send {"id":1,"params":{"path":"a","key":"own.k","resend":true}}'
const query = { text: '{"id":1,"params":{}}', timeoutMs: 600_000 }

function opened() {
  const machine = createMachine()
  machine.open()
  return machine
}

describe('a call that was accepted', () => {
  test('is answered by a push at any later time, and no error of the gateway fails it [TL-LONG-5]', () => {
    const machine = opened()
    machine.call(1, 'query', query)
    expect(machine.timers.get('deadline 1')).toBe(600_000)
    expect(machine.message(accepted(1))).toEqual([])
    expect(machine.message(gateway)).toEqual([])
    expect(machine.message(answer(1))).toEqual(['answer 1'])
  })

  test('does not count as in flight when the gateway reports an error of another call [TL-GW-2]', () => {
    const machine = opened()
    machine.call(1, 'query', query)
    machine.message(accepted(1))
    machine.call(2)
    expect(machine.message(gateway)).toEqual(['fail 2 FUNCTION_FAILED may have run'])
  })

  test('with a key is sent again by the same frame with `resend`, since a push can be lost [TL-LONG-5] [TL-KEY-8]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.message(accepted(1, { key, askAfterMs: 15_000 }))
    expect(machine.timers.get('resend 1')).toBe(15_000)
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual([resent])
    const pending = { code: 'PENDING', retry: 'later', retryAfterMs: 5_000, mayHaveRun: true }
    machine.message({ id: 1, error: {}, line: pending })
    expect(machine.timers.get('resend 1')).toBe(5_000)
    expect(machine.message(answer(1))).toEqual(['answer 1'])
    expect(machine.timers.has('resend 1')).toBe(false)
  })

  test('is sent again on the next socket when it has a key or is a query, and fails otherwise [TL-CALL-5]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    machine.call(2, 'mutation')
    machine.call(3, 'query', query)
    machine.message(accepted(1, { key, askAfterMs: 15_000 }), accepted(2), accepted(3))
    expect(machine.feed({ type: 'lost', cause: network })).toEqual(['fail 2 CONNECTION_LOST may have run'])
    machine.feed({ type: 'opened' })
    expect(machine.open()).toEqual([resent, `send ${query.text}`])
  })

  test.each([
    ['query', query, 'send {"id":1,"method":"cancel"}'],
    ['mutation', keyed, 'send {"id":1,"method":"cancel","params":{"key":"own.k"}}'],
  ] as const)('and is given up is cancelled: a %s [TL-LONG-4]', (method, options, sent) => {
    const machine = opened()
    machine.call(1, method, options)
    machine.message(accepted(1))
    expect(machine.feed({ type: 'abort', id: 1 })).toEqual([sent])
    expect(machine.message(answer(1))).toEqual([])
  })

  test('is cancelled when it was aborted before it was accepted [TL-LONG-4]', () => {
    const machine = opened()
    machine.call(1, 'mutation', keyed)
    expect(machine.feed({ type: 'abort', id: 1 })).toEqual([])
    expect(machine.message(accepted(1, { key }))).toEqual(['send {"id":1,"method":"cancel","params":{"key":"own.k"}}'])
  })

  test('is cancelled at its deadline when it is a query, and continues when it is a mutation [TL-LONG-4]', () => {
    const machine = opened()
    machine.call(1, 'query', query)
    machine.call(2, 'mutation', { ...keyed, id: 2 })
    machine.message(accepted(1), accepted(2, { key }))
    expect(machine.fire({ kind: 'deadline', id: 1 })).toEqual([
      'send {"id":1,"method":"cancel"}',
      'fail 1 TIMEOUT may have run',
    ])
    expect(machine.fire({ kind: 'deadline', id: 2 })).toEqual(['fail 2 TIMEOUT may have run'])
  })

  test('sends no cancel when a short call is aborted', () => {
    const machine = opened()
    machine.call(1)
    expect(machine.feed({ type: 'abort', id: 1 })).toEqual([])
  })
})
