import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostileMessages, pollutingMessages } from '../fixtures/hostile-messages.suite.ts'
import { stockMessages } from '../fixtures/stock-messages.suite.ts'
import { serverMessage } from '../schemas.ts'
import { decodeServerMessage } from './decode-server-message.ts'

const framesOf = (value: unknown) => {
  const decoded = decodeServerMessage(typeof value === 'string' ? value : JSON.stringify(value))
  return decoded.ok ? decoded.frames : decoded.reason
}
const result = (members: object) => ({ id: 1, result: members })

describe('decodeServerMessage', () => {
  test.each(stockMessages.server)('accepts %s', (text) => {
    expect(framesOf(text)).toEqual(text === 'PONG' ? [] : [JSON.parse(text)])
  })

  test("recognises the gateway's own frames [TL-GW-2]", () => {
    const frame = { message: 'Internal server error', connectionId: 'c=', requestId: 'r=' }
    expect(framesOf(frame)).toEqual([frame])
    expect(framesOf({ message: 'Internal server error' })).toEqual([])
  })

  test('drops invalid frames and keeps the other ones of the message [TL-BAD-6]', () => {
    const good = result({ type: 'stopped' })
    expect(framesOf([1, null, [], {}, 'x', { id: {}, result: { type: 'data' } }, good, { id: 1 }])).toEqual([good])
  })

  test.each([
    ['a result of an unknown type', { type: 'chunk' }],
    ['an inherited type', { type: 'toString' }],
    ['an id that is a number', { type: 'data', id: 5 }],
    ['a prev that is not an offset', { type: 'data', id: 'e:2', prev: -1 }],
    ['an advance without prev', { type: 'advance', id: 'e:2' }],
    ['a fault without a cursor', { type: 'fault', id: 'e', error: {} }],
    ['a started with a broken cursor', { type: 'started', from: 'e:x' }],
    ['a synced without head', { type: 'synced', from: 'e:1' }],
    ['a started whose snapshot is not true', { type: 'started', snapshot: false }],
    ['a snapshot without a state', { type: 'snapshot', id: 'e:1' }],
    ['a snapshot without a cursor', { type: 'snapshot', id: 'e', data: {} }],
    ['an authorized without an expiry', { type: 'authorized' }],
    ['an authorized with a text for an expiry', { type: 'authorized', authExpires: 'soon' }],
    ['a hello without limits', { type: 'hello', session: 's', time: 1 }],
  ])('drops %s [TL-BAD-6]', (_, members) => {
    expect(framesOf(result(members))).toEqual([])
  })

  test('keeps an error with an unknown `line` as an error of the procedure', () => {
    const line = { code: 'TIMEOUT', retry: 'later', mayHaveRun: true }
    expect(framesOf({ id: 1, error: {}, line })).toEqual([{ id: 1, error: {}, line }])
    for (const unknown of [
      { ...line, code: 'NEWER' },
      { ...line, code: 'toString' },
      { ...line, retry: 'soon' },
      'x',
      null,
      { ...line, retryAfterMs: 'x' },
    ]) {
      expect(framesOf({ id: 1, error: {}, line: unknown })).toEqual([{ id: 1, error: {} }])
    }
  })

  test('keeps an error with an invalid ref as an error without one', () => {
    expect(framesOf({ id: 1, error: {}, ref: 2, n: 3 })).toEqual([{ id: 1, error: {}, ref: 2, n: 3 }])
    expect(framesOf({ id: 1, error: {}, ref: 2, n: -1 })).toEqual([{ id: 1, error: {}, ref: 2 }])
    for (const ref of [0, 'x', null, 1.5])
      expect(framesOf({ id: 1, error: {}, ref, n: 3 })).toEqual([{ id: 1, error: {} }])
  })

  test('accepts PENDING, which is not in the table of errors', () => {
    const pending = {
      id: 1,
      error: {},
      line: { code: 'PENDING', retry: 'later', retryAfterMs: 1_000, mayHaveRun: true },
    }
    expect(framesOf(pending)).toEqual([pending])
  })

  test('rejects a text that is too large for the gateway [TL-LIM-3]', () => {
    expect(decodeServerMessage(`"${'x'.repeat(131_071)}"`).ok).toBe(false)
    expect(decodeServerMessage(`"${'x'.repeat(131_070)}"`).ok).toBe(true)
  })

  test.each(Object.entries(hostileMessages))('survives %s [TL-BAD-5]', (_, text) => {
    const decoded = decodeServerMessage(text)
    expect(decoded.ok ? decoded.frames : []).toEqual([])
  })

  test('does not change prototypes [TL-BAD-4]', () => {
    for (const text of pollutingMessages) decodeServerMessage(text)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
  })

  test('never throws, and returns no frame that the schemas reject [TL-BAD-5]', () => {
    const member = fc.oneof(
      fc.constantFrom('e:1', 'e:x', 'data', 'advance', 'started', 'snapshot', 'authorized', 0, 1, -1, null, true),
      fc.jsonValue(),
    )
    const keys = ['type', 'id', 'prev', 'from', 'head', 'ref', 'error', 'session', 'time', 'snapshot', 'authExpires']
    const results = fc.dictionary(fc.constantFrom(...keys), member)
    const line = fc.record({
      code: fc.constantFrom('PENDING', 'TIMEOUT', 'NEWER', 'toString'),
      retry: fc.constantFrom('now', 'later', 'soon'),
      mayHaveRun: fc.boolean(),
    })
    const members = { id: member, result: results, error: member, method: member, line: fc.oneof(line, member) }
    const frame = fc.record(members, { requiredKeys: [] })
    fc.assert(
      fc.property(fc.oneof(frame, fc.array(frame), fc.anything()), (value) => {
        const decoded = decodeServerMessage(toText(value))
        const frames = decoded.ok ? decoded.frames : []
        for (const one of frames) expect(serverMessage.safeParse(one).success, JSON.stringify(one)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

function toText(value: unknown): unknown {
  try {
    return JSON.stringify(value)
  } catch {
    return value // a value without JSON is passed unchanged: it must be rejected without an exception
  }
}
