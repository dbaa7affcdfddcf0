import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostileMessages, pollutingMessages } from '../fixtures/hostile-messages.suite.ts'
import { stockMessages } from '../fixtures/stock-messages.suite.ts'
import { limits } from '../limits/limits.ts'
import { decodeClientMessage } from '../messages/decode-client-message.ts'
import { parseCall } from './call-frame.ts'
import { clientFrame } from './client-frames.schema.ts'

/** What the schema makes of an element that it accepts as a query or a mutation; undefined for any other one. */
function bySchema(element: unknown): unknown {
  const parsed = clientFrame.safeParse(element)
  const isCall = parsed.success && (parsed.data.method === 'query' || parsed.data.method === 'mutation')
  return isCall ? parsed.data : undefined
}

const { idBytes, pathBytes, keyBytes } = limits
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', 'x'.repeat(idBytes.value), 'x'.repeat(pathBytes.value + 1), 'é'.repeat(idBytes.value / 2)),
  fc.constantFrom('é'.repeat(pathBytes.value / 2), `own.${'k'.repeat(keyBytes.value)}`, 'own.a', 'own.'),
  fc.constantFrom('auto.k3x.0123456789abcdef', 'auto.!.0123456789abcdef', '2.0', 'query'),
)
const value = fc.oneof(
  text,
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, [], {}, Number.POSITIVE_INFINITY, -0, true),
)
const params = fc.record(
  { path: fc.oneof(text, value), input: value, key: value, resend: value, traceparent: value, extra: value },
  { requiredKeys: [] },
)
const element = fc.record(
  {
    id: value,
    method: fc.oneof({ weight: 8, arbitrary: fc.constantFrom('query', 'mutation') }, value),
    jsonrpc: fc.oneof(fc.constant('2.0'), value),
    params: fc.oneof({ weight: 8, arbitrary: params }, value),
    extra: value,
  },
  { requiredKeys: [] },
)
/** Mostly valid, so that each member is tried in a frame that is valid but for it. */
const nearlyValid = fc
  .tuple(fc.constantFrom('query', 'mutation'), element, fc.subarray(['id', 'method', 'jsonrpc', 'params', 'extra']))
  .map(([method, drawn, kept]) => ({
    ...{ id: 1, method, params: { path: 'p' } },
    ...Object.fromEntries(Object.entries(drawn).filter(([name]) => kept.includes(name))),
  }))

test('accepts exactly the calls that the schema accepts, and parses them to the same [TL-BAD-2]', () => {
  const isSame = (drawn: unknown) => {
    expect(parseCall(drawn)).toStrictEqual(bySchema(drawn))
  }
  fc.assert(fc.property(fc.oneof(element, nearlyValid), isSame), { numRuns: 5_000 })
  const onTheWire = (drawn: unknown) => isSame(JSON.parse(JSON.stringify(drawn)))
  fc.assert(fc.property(nearlyValid, onTheWire), { numRuns: 2_000 })
  fc.assert(fc.property(fc.anything(), isSame), { numRuns: 1_000 })
})

test('judges hostile messages and those of stock clients as the schema does', () => {
  const hostile = [...Object.values(hostileMessages), ...Object.values(pollutingMessages)]
  for (const message of [...stockMessages.accepted, ...stockMessages.refused, ...hostile]) {
    const decoded = decodeClientMessage(message)
    if (!decoded.ok || 'text' in decoded) continue
    for (const [index, each] of decoded.elements.entries())
      if (!decoded.tooDeep.has(index)) expect(parseCall(each)).toStrictEqual(bySchema(each))
  }
})

test('parses a call with each of its members', () => {
  const call = {
    ...{ id: 'a', jsonrpc: '2.0', method: 'mutation' },
    params: { path: 'post', input: { text: 'hi' }, key: 'own.1', resend: true, traceparent: 7 },
  }
  expect(parseCall({ ...call, session: 'x' })).toStrictEqual(call)
})
