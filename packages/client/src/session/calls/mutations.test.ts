import { defined } from '@trunkline/protocol'
// One file over 200 lines: keys and ordering keys share the helpers for mutations.

import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'
import { frameBytesOf, makeKey, withKey } from './idempotency-key.ts'

const network = { code: 'network', message: 'cut' } as const
const keyed = { resends: true, nonce: 'n'.repeat(22), text: '{"id":1,"method":"mutation","params":{"path":"a"}}' }
const pending = (id: number, retryAfterMs?: number) => ({
  id,
  error: {},
  line: { code: 'PENDING', retry: 'later', mayHaveRun: true, ...defined({ retryAfterMs }) },
})
const done = (id: number) => ({ id, result: { type: 'data' } })
const framesOf = (effects: readonly string[]) => effects.map((sent) => JSON.parse(sent.replace('send ', '')) as object)
const orderingKey = (name: string) => ({ orderingKey: name, resends: true })

describe('keys', () => {
  test("a key is made once, from the server's time at the first attempt [TL-KEY-8]", () => {
    const machine = createMachine()
    machine.call(1, 'mutation', { ...keyed, bytes: 95 })
    machine.wait(1_000)
    const key = `auto.${(1_800_000_000_000).toString(36)}.${keyed.nonce}`
    const params = { path: 'a', key }
    expect(framesOf(machine.open({ time: 1_800_000_000_000 }))).toMatchObject([{ id: 1, params }])
    machine.feed({ type: 'lost', cause: network })
    machine.wait(60_000)
    expect(framesOf(machine.open({ time: 1_800_000_060_000 }))).toEqual([
      { id: 1, method: 'mutation', params: { ...params, resend: true } },
    ])
    expect(machine.message(done(1))).toEqual(['answer 1'])
  })

  test('after PENDING the same frame is sent again after the named delay, until the deadline [TL-KEY-5]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { resends: true })
    expect(machine.message(pending(1, 700))).toEqual([])
    expect(machine.timers.get('resend 1')).toBe(700)
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual(['send mutation 1'])
    machine.message(pending(1))
    expect(machine.timers.get('resend 1')).toBe(1_000)
    expect(machine.fire({ kind: 'deadline', id: 1 })).toEqual(['fail 1 TIMEOUT may have run'])
    expect(machine.timers.has('resend 1')).toBe(false)
  })

  test('a mutation that waits to be sent again is sent at once on a new socket', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { resends: true })
    machine.message(pending(1))
    machine.feed({ type: 'lost', cause: network })
    expect(machine.timers.has('resend 1')).toBe(false)
    expect(machine.open()).toEqual(['send mutation 1'])
  })

  test('every frame of a keyed mutation except the first has `resend`, for any cause of the repeat [TL-KEY-8]', () => {
    const machine = createMachine()
    const own = { key: 'own.k', resends: true, text: '{"id":1,"method":"mutation","params":{"path":"a"}}' }
    const frame = { id: 1, method: 'mutation', params: { path: 'a', key: 'own.k' } }
    const again = { ...frame, params: { ...frame.params, resend: true } }
    const refused = { id: 1, error: {}, line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false } }
    machine.open()
    expect(framesOf(machine.call(1, 'mutation', own))).toEqual([frame])
    machine.message(pending(1))
    expect(framesOf(machine.fire({ kind: 'resend', id: 1 }))).toEqual([again])
    machine.feed({ type: 'lost', cause: network })
    expect(framesOf(machine.open())).toEqual([again])
    expect(machine.message(refused)).toEqual(['ask-token'])
    machine.feed({ type: 'token', token: 't' })
    const authorized = { id: `auth-${machine.state.serial}`, result: { type: 'authorized', authExpires: 9e9 } }
    expect(framesOf(machine.message(authorized))).toEqual([again])
  })

  test('a frame that fits only without `resend` fails before it is sent', () => {
    const text = '{"id":1,"method":"mutation","params":{"path":"a"}}'
    const sent = withKey(text, 'own.k', true)
    expect(frameBytesOf(text, { key: 'own.k', nonce: null })).toBe(sent.length)
    const auto = withKey(text, makeKey(1_800_000_000_000, 'n'.repeat(22)), true)
    expect(frameBytesOf(text, { key: null, nonce: 'n'.repeat(22) })).toBe(auto.length)
    expect(frameBytesOf(text, { key: null, nonce: null })).toBe(text.length)
  })

  test('after FUNCTION_FAILED the mutation is sent again with a back-off, and fails with it at the deadline [TL-KEY-10]', () => {
    const machine = createMachine(0.5)
    const own = { key: 'own.k', resends: true, text: '{"id":1,"method":"mutation","params":{"path":"a"}}' }
    const failed = (retryAfterMs?: number) => {
      const line = { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true, ...(retryAfterMs && { retryAfterMs }) }
      return { id: 1, error: { message: 'gone' }, line }
    }
    machine.open()
    machine.call(1, 'mutation', own)
    expect(machine.message(failed())).toEqual([])
    expect(machine.timers.get('resend 1')).toBe(300)
    expect(framesOf(machine.fire({ kind: 'resend', id: 1 }))).toMatchObject([
      { params: { key: 'own.k', resend: true } },
    ])
    machine.message(failed(2_000))
    expect(machine.timers.get('resend 1')).toBe(2_000)
    expect(machine.fire({ kind: 'deadline', id: 1 })).toEqual(['fail 1 FUNCTION_FAILED may have run'])
  })

  test.each(['OUTCOME_UNKNOWN', 'KEY_REUSED', 'RATE_LIMITED', 'TIMEOUT'])('%s ends the call [TL-KEY-10]', (code) => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { key: 'own.k', resends: true, text: '{"id":1,"params":{}}' })
    const line = { code, retry: 'later', mayHaveRun: true }
    expect(machine.message({ id: 1, error: {}, line })).toEqual([`fail 1 ${code} may have run`])
  })

  test('FUNCTION_FAILED ends a query, and a mutation without a key', () => {
    const machine = createMachine()
    machine.open()
    const line = { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true }
    machine.call(1)
    machine.call(2, 'mutation')
    expect(machine.message({ id: 1, error: {}, line }, { id: 2, error: {}, line })).toEqual([
      'fail 1 FUNCTION_FAILED may have run',
      'fail 2 FUNCTION_FAILED may have run',
    ])
  })

  test('a mutation that repeats an earlier one has `resend` in its first frame and may have run in any case', () => {
    const machine = createMachine()
    const own = { key: 'own.k', mayHaveRun: true, resends: true, text: '{"id":1,"method":"mutation","params":{}}' }
    machine.open()
    expect(machine.call(1, 'mutation', { ...own, bytes: 1e9 })).toEqual(['fail 1 TOO_LARGE may have run'])
    expect(machine.call(2, 'mutation', { ...own }).join()).toContain('"resend":true')
    expect(machine.feed({ type: 'close' })).toEqual([])
    expect(machine.call(3, 'mutation', own)).toEqual(['fail 3 CLOSED may have run'])
  })

  test('closing waits for a mutation that will be sent again', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { resends: true })
    machine.message(pending(1))
    expect(machine.feed({ type: 'close' })).toEqual([])
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual(['send mutation 1'])
    expect(machine.message(done(1))).toEqual(['answer 1', 'disconnect', 'closed'])
  })

  test('a call without a key is never sent again after PENDING [TL-KEY-8]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation')
    expect(machine.message(pending(1))).toEqual(['fail 1 procedure'])
  })

  test('a second AUTH_EXPIRED fails a call without a key, since it may be a duplicate of the first', () => {
    const machine = createMachine()
    const refused = { id: 1, error: {}, line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false } }
    machine.open()
    machine.call(1, 'mutation')
    machine.message(refused)
    machine.feed({ type: 'token', token: 't' })
    const authorized = { id: `auth-${machine.state.serial}`, result: { type: 'authorized', authExpires: 9e9 } }
    expect(machine.message(authorized)).toEqual(['send mutation 1'])
    expect(machine.message(refused)).toEqual(['fail 1 AUTH_EXPIRED may have run'])
  })

  test('an error under a key that was sent before says that the mutation may have run', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { key: 'own.k', resends: true, text: '{"id":1,"params":{"path":"a"}}' })
    machine.feed({ type: 'lost', cause: network })
    machine.open()
    const limited = { id: 1, error: {}, line: { code: 'RATE_LIMITED', retry: 'later', mayHaveRun: false } }
    expect(machine.message(limited)).toEqual(['fail 1 RATE_LIMITED may have run'])
  })

  test('AUTH_EXPIRED says that the mutation did not run', () => {
    const machine = createMachine()
    const refused = { id: 1, error: {}, line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false } }
    machine.open()
    machine.call(1, 'mutation')
    machine.message(refused)
    expect(machine.fire({ kind: 'deadline', id: 1 })).toEqual(['fail 1 TIMEOUT'])
  })
})

describe('ordering keys', () => {
  test('the next mutation is sent when the previous one has settled, independently of other calls [TL-LANE-1]', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.call(1, 'mutation', orderingKey('a'))).toEqual(['send mutation 1'])
    expect(machine.call(2, 'mutation', orderingKey('a'))).toEqual([])
    expect(machine.call(3, 'mutation', orderingKey('b'))).toEqual(['send mutation 3'])
    expect(machine.call(4)).toEqual(['send query 4'])
    expect(machine.call(5, 'mutation', orderingKey('a'))).toEqual([])
    expect(machine.message(done(1))).toEqual(['answer 1', 'send mutation 2'])
    expect(machine.message({ id: 2, error: {} })).toEqual(['fail 2 procedure', 'send mutation 5'])
  })

  test('keep their order when sockets are lost [TL-LANE-1]', () => {
    const machine = createMachine()
    for (const id of [1, 2, 3]) machine.call(id, 'mutation', orderingKey('a'))
    expect(machine.open()).toEqual(['send mutation 1'])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual(['send mutation 1'])
    machine.message(done(1))
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual(['send mutation 2'])
    machine.message(pending(2))
    expect(machine.call(4, 'mutation', orderingKey('a'))).toEqual([])
    expect(machine.feed({ type: 'abort', id: 2 })).toEqual(['send mutation 3'])
  })

  test('a mutation that fails, expires or becomes too large releases the next one', () => {
    const machine = createMachine()
    for (const id of [1, 2, 3, 4]) machine.call(id, 'mutation', { bytes: id === 2 ? 500 : 10, orderingKey: 'a' })
    machine.feed({ type: 'opened' })
    const limits = { frameBytes: 400, lifetimeMs: 7_200_000 }
    expect(machine.message({ id: 'hello-1', result: { type: 'hello', session: 's', time: 0, limits } })).toEqual([
      'send mutation 1',
    ])
    expect(machine.feed({ type: 'lost', cause: network })).toEqual(['fail 1 CONNECTION_LOST may have run'])
    machine.feed({ type: 'opened' })
    const hello = { type: 'hello', session: 's', time: 0, limits }
    expect(machine.message({ id: 'hello-2', result: hello })).toEqual(['fail 2 TOO_LARGE', 'send mutation 3'])
    expect(machine.fire({ kind: 'deadline', id: 3 })).toEqual(['fail 3 TIMEOUT may have run', 'send mutation 4'])
  })

  test('mutations that wait for their ordering key count for the outbox limit, and close fails them', () => {
    const machine = createMachine()
    machine.open()
    for (let id = 1; id <= 1_001; id += 1) machine.call(id, 'mutation', orderingKey('a'))
    expect(machine.call(1_002, 'mutation', orderingKey('a'))).toEqual(['fail 1002 OUTBOX_FULL'])
    expect(machine.feed({ type: 'close' })).toHaveLength(1_000)
    expect(machine.message(done(1))).toEqual(['answer 1', 'disconnect', 'closed'])
  })
})
