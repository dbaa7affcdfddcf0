import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostileMessages, pollutingMessages } from '../fixtures/hostile-messages.suite.ts'
import { stockMessages } from '../fixtures/stock-messages.suite.ts'
import { limits } from '../limits/limits.ts'
import { decodeClientMessage } from '../messages/decode-client-message.ts'
import { idOfElement, parseClientFrame, parseTraceparent } from './parse-client-frame.ts'

/** Whether all elements of the message are valid frames. */
function isAccepted(text: string): boolean {
  const decoded = decodeClientMessage(text)
  if (!decoded.ok) return false
  if ('text' in decoded) return true
  return decoded.tooDeep.size === 0 && decoded.elements.every((element) => parseClientFrame(element).ok)
}
const call = (id: unknown, path: string) => ({ id, method: 'query', params: { path } })
const keyed = (key: string) => ({ id: 1, method: 'mutation', params: { path: 'p', key } })
const auth = (token: unknown) => ({ id: 1, method: 'auth', params: { token } })
const sync = (count: number) => ({
  id: 1,
  method: 'sync',
  params: { subscriptions: Array.from({ length: count }, (_, id) => ({ id, ref: 1, from: 'e:1' })) },
})

describe('parseClientFrame', () => {
  test.each(stockMessages.accepted)('accepts %s', (text) => expect(isAccepted(text)).toBe(true))
  test.each(stockMessages.refused)('rejects %s, as tRPC does [TL-BAD-2]', (text) =>
    expect(isAccepted(text)).toBe(false),
  )
  test.each(Object.entries(hostileMessages))('rejects %s [TL-BAD-2]', (_, text) => expect(isAccepted(text)).toBe(false))

  test('keeps the members of a frame and removes unknown ones', () => {
    const frame = { id: 's', method: 'subscription', params: { path: 'live', lastEventId: 'e:1', ref: 2 } }
    expect(parseClientFrame({ ...frame, session: 'x' })).toEqual({ ok: true, frame })
  })

  test('says what was expected and what came, without quoting values [TL-BAD-2]', () => {
    expect(
      parseClientFrame({ id: 1, method: 'sync', params: { subscriptions: [{ id: 1, ref: 'secret', from: 'e:1' }] } }),
    ).toEqual({
      ok: false,
      reason:
        'Expected sync: { id, method, params: { subscriptions: { id, ref: an integer from 1, from: a cursor }[], poll? } }, ' +
        'got params.subscriptions.0.ref: a string of 6 characters.',
    })
    expect(parseClientFrame(auth(['secret']))).toEqual({
      ok: false,
      reason: 'Expected auth: { id, method, params: { token } }, got params.token: an array of 1.',
    })
    expect(parseClientFrame({ id: 1, method: 'hello there' })).toMatchObject({
      reason: expect.stringContaining('query'),
    })
    expect(parseClientFrame(null)).toMatchObject({ reason: expect.stringContaining('got null.') })
    expect(parseClientFrame([1, 2])).toMatchObject({ reason: expect.stringContaining('got an array of 2.') })
  })

  test('checks bytes and counts exactly at their limits [TL-LIM-4]', () => {
    const { idBytes, keyBytes, pathBytes, syncSubscriptions, tokenBytes } = limits
    expect(parseClientFrame(call('x'.repeat(idBytes.value), 'p')).ok).toBe(true)
    expect(parseClientFrame(call('é'.repeat(idBytes.value / 2 + 1), 'p')).ok).toBe(false)
    expect(parseClientFrame(call(1, 'x'.repeat(pathBytes.value))).ok).toBe(true)
    expect(parseClientFrame(call(1, 'é'.repeat(pathBytes.value / 2 + 1))).ok).toBe(false)
    expect(parseClientFrame(auth('x'.repeat(tokenBytes.value))).ok).toBe(true)
    expect(parseClientFrame(auth('é'.repeat(tokenBytes.value / 2 + 1))).ok).toBe(false)
    expect(parseClientFrame(keyed(`own.${'k'.repeat(keyBytes.value - 4)}`)).ok).toBe(true)
    expect(parseClientFrame(keyed(`own.${'é'.repeat(keyBytes.value / 2 - 1)}`)).ok).toBe(false)
    expect(parseClientFrame(sync(syncSubscriptions.value)).ok).toBe(true)
    expect(parseClientFrame(sync(syncSubscriptions.value + 1)).ok).toBe(false)
  })

  test('names the limit and what came, without quoting values [TL-BAD-2]', () => {
    const reasonOf = (element: unknown) => {
      const parsed = parseClientFrame(element)
      return parsed.ok ? undefined : parsed.reason
    }
    const bytes = 'bytes of well-formed Unicode'
    expect(reasonOf(call(1, 'x'.repeat(600)))).toBe(`Expected a path of at most 512 ${bytes}, got 600 bytes.`)
    expect(reasonOf(keyed('own.'))).toBe(`Expected an idempotency key of 1 to 252 ${bytes}, got 0 bytes.`)
    expect(reasonOf(auth('\udc00'))).toBe(`Expected a token of 1 to 7000 ${bytes}, got half of a surrogate pair.`)
    expect(reasonOf(sync(201))).toBe('Expected at most 200 subscriptions in a sync, got 201.')
    expect(reasonOf(call('x'.repeat(129), 'p'))).toBe(`Expected an id of at most 128 ${bytes}, got 129 bytes.`)
  })

  test('counts the entries of a sync before it reads them [TL-LIM-4]', () => {
    const frame = { id: 1, method: 'sync', params: { subscriptions: Array(60_000).fill(0) } }
    const reason = 'Expected at most 200 subscriptions in a sync, got 60000.'
    expect(parseClientFrame(frame)).toEqual({ ok: false, reason })
  })

  test('returns the id of an invalid frame, or null when it has none [TL-BAD-7]', () => {
    expect(idOfElement({ id: 7 })).toBe(7)
    expect(idOfElement({ id: 'a', method: 5 })).toBe('a')
    for (const element of [
      null,
      5,
      [],
      {},
      { id: null },
      { id: '\ud800' },
      { id: Number.NaN },
      { id: 'x'.repeat(129) },
    ])
      expect(idOfElement(element)).toBe(null)
    expect(idOfElement(JSON.parse('{"__proto__":{"id":1}}'))).toBe(null)
  })

  test('accepts only finite numbers and well-formed strings as ids [TL-BAD-7]', () => {
    for (const id of [0, -1.5, '', '🦊', Number.MAX_VALUE])
      expect(parseClientFrame(call(id, 'p')).ok, String(id)).toBe(true)
    for (const id of [Number.NaN, Number.POSITIVE_INFINITY, '\uD800', '🦊'.slice(1), null, true, {}, [], undefined]) {
      expect(parseClientFrame(call(id, 'p')).ok, String(id)).toBe(false)
    }
  })

  test('does not change prototypes and reads no inherited member [TL-BAD-4]', () => {
    for (const text of pollutingMessages) isAccepted(text)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    expect(isAccepted('{"__proto__":{"id":1,"method":"hello"}}')).toBe(false)
    expect(isAccepted('{"id":1,"method":"query","params":{"__proto__":{"path":"hello"}}}')).toBe(false)
  })

  test('never throws for any value [TL-BAD-5]', () => {
    const methods = fc.constantFrom('query', 'sync', 'auth', 'subscription', 'hello', 'connectionParams', '__proto__')
    const frame = fc.record({ id: fc.anything(), method: methods, params: fc.anything(), data: fc.anything() })
    fc.assert(
      fc.property(fc.oneof(frame, fc.anything()), (element) => void parseClientFrame(element)),
      { numRuns: 2_000 },
    )
  })
})

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('parseTraceparent', () => {
  test('accepts a W3C traceparent [TL-TRACE-1]', () => {
    expect(parseTraceparent(traceparent)).toBe(traceparent)
    expect(parseTraceparent(traceparent.replace(/^00/, 'cc'))).toBe(traceparent.replace(/^00/, 'cc'))
  })

  test.each([
    ['version ff', traceparent.replace(/^00/, 'ff')],
    ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['a parent of zeros', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['capitals', traceparent.toUpperCase()],
    ['one character less', traceparent.slice(0, -1)],
    ['a line break at the end', `${traceparent}\n`],
    ['more text at the end', `${traceparent}-${'x'.repeat(30_000)}`],
    ['a number', 7],
    ['an object', { toString: () => traceparent }],
    ['nothing', undefined],
  ])('ignores %s [TL-TRACE-1]', (_, value) => {
    expect(parseTraceparent(value)).toBeUndefined()
  })
})
