import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostileMessages, pollutingMessages } from '../fixtures/hostile-messages.suite.ts'
import { stockMessages } from '../fixtures/stock-messages.suite.ts'
import { limits } from '../limits/limits.ts'
import { decodeClientMessage } from './decode-client-message.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('decodeClientMessage', () => {
  test('returns one frame, or the elements of an array [TL-BATCH-1]', () => {
    const tooDeep = new Map()
    expect(decodeClientMessage('{"id":1}')).toEqual({
      ok: true,
      elements: [{ id: 1 }],
      tooDeep,
      batch: false,
      overfull: false,
    })
    expect(decodeClientMessage('[{"id":1},2]')).toEqual({
      ok: true,
      elements: [{ id: 1 }, 2],
      tooDeep,
      batch: true,
      overfull: false,
    })
    expect(decodeClientMessage('[]')).toEqual({ ok: true, elements: [], tooDeep, batch: true, overfull: false })
  })

  test('recognises the texts PING and PONG [TL-PING-2]', () => {
    expect(decodeClientMessage('PING')).toEqual({ ok: true, text: 'PING' })
    expect(decodeClientMessage('PONG')).toEqual({ ok: true, text: 'PONG' })
    expect(decodeClientMessage('ping').ok).toBe(false)
  })

  test('marks an array with more elements than the batch limit, and keeps them for answers [TL-BATCH-3]', () => {
    const two = [{ id: 1 }, { id: 2 }]
    expect(decodeClientMessage(JSON.stringify(two), { maxBatchSize: 1 })).toMatchObject({
      ...{ overfull: true, elements: two },
    })
    expect(decodeClientMessage('[1]', { maxBatchSize: 1 })).toMatchObject({ overfull: false })
    expect(decodeClientMessage('1', { maxBatchSize: 0 })).toMatchObject({ overfull: false })
    const full = JSON.stringify(Array(limits.batchSize.value).fill(0))
    expect(decodeClientMessage(full)).toMatchObject({ overfull: false })
    expect(decodeClientMessage(full.replace('[', '[0,'))).toMatchObject({ overfull: true })
  })

  test('keeps of an overfull array four times the limit with an id, and one without [TL-BATCH-3]', () => {
    const named = Array.from({ length: 3_000 }, (_, id) => ({ id }))
    const text = `[0,null,{"id":null},${JSON.stringify(named).slice(1, -1)},[],${nested(70)}]`
    const decoded = decodeClientMessage(text)
    expect(decoded).toMatchObject({ ok: true, batch: true, overfull: true })
    const elements = decoded.ok && 'elements' in decoded ? decoded.elements : []
    expect(elements).toEqual([0, ...named.slice(0, 4 * limits.batchSize.value)])
  })

  test('numbers the elements that are nested too deeply by what it kept [TL-BATCH-3] [TL-LIM-4]', () => {
    const text = `[0,0,{"id":1},{"id":2,"a":${nested(70)}}]`
    expect(decodeClientMessage(text, { maxBatchSize: 1 })).toMatchObject({
      elements: [0, { id: 1 }, { id: 2 }],
      tooDeep: new Map([[2, expect.stringContaining('71')]]),
    })
  })

  test("returns the engine's message for a text that is not JSON [TL-BAD-1]", () => {
    for (const text of ['{nope', '', '\uFEFF{}', '{"id":1']) {
      expect(decodeClientMessage(text), text).toEqual({ ok: false, reason: expect.stringMatching(/JSON/) })
    }
  })

  test.each([[undefined], [null], [5], [new Uint8Array(3)], [{ toString: 'foo' }]])(
    'refuses %s, which is no text',
    (value) => {
      expect(decodeClientMessage(value)).toEqual({ ok: false, reason: expect.stringContaining('Expected text') })
    },
  )

  test('accepts 64 levels of nesting in each element and marks deeper ones [TL-LIM-4]', () => {
    expect(deepElements(nested(65))).toEqual([]) // the array itself does not count
    expect(deepElements(nested(66))).toEqual([0])
    expect(deepElements(`{"a":${nested(63)}}`)).toEqual([])
    expect(deepElements(`{"a":${nested(64)}}`)).toEqual([0])
    expect(deepElements(` \n[1,${nested(65)},{"a,b":[${nested(62)},1]},${nested(65)}]`)).toEqual([1, 3])
    expect(deepElements(`"${nested(65)}"`)).toEqual([])
    expect(deepElements(`"\\"${nested(65)}"`)).toEqual([])
    expect(deepElements(`["\\\\",${nested(65)}]`)).toEqual([1])
    expect(deepElements(`[${nested(1).concat(',').repeat(1_000)}0]`)).toEqual([])
    expect(deepElements(nested(500_000))).toEqual([0])
    expect(decodeClientMessage(nested(66))).toMatchObject({
      tooDeep: new Map([[0, 'Expected at most 64 levels of nesting in a frame (62 in its input), got 65.']]),
    })
  })

  test('counts the nesting of the parsed value and ignores brackets in strings [TL-LIM-4]', () => {
    const text = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', 'a', ',') })
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 6 }, text, fc.array(tie('value')), fc.dictionary(text, tie('value'))),
    }))
    const element = fc.record({ inner: value, around: fc.integer({ min: 55, max: 66 }) })
    fc.assert(
      fc.property(fc.array(element, { maxLength: 4 }), (elements) => {
        const wrapped = elements.map(
          ({ inner, around }) => '['.repeat(around) + JSON.stringify(inner) + ']'.repeat(around),
        )
        const deep = elements.flatMap(({ inner, around }, at) => (around + depthOf(inner) > 64 ? [at] : []))
        expect(deepElements(`[${wrapped.join()}]`)).toEqual(deep)
      }),
      { numRuns: 500 },
    )
  })

  test.each(Object.entries(hostileMessages))('survives %s [TL-BAD-5]', (_, text) => {
    expect(typeof decodeClientMessage(text).ok).toBe('boolean')
  })

  test('does not change prototypes [TL-BAD-4]', () => {
    for (const text of pollutingMessages) {
      const decoded = decodeClientMessage(text)
      const elements = decoded.ok && 'elements' in decoded ? decoded.elements : []
      for (const element of elements) expect(Object.getPrototypeOf(element)).toBe(Object.prototype)
    }
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
  })

  test('never throws for any text [TL-BAD-5]', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.anything()), neverThrows))
    fc.assert(fc.property(mutated(stockMessages.accepted), neverThrows), { numRuns: 1_000 })
  })

  test('returns the sent frames', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 5 }), { maxLength: 100 }), (elements) => {
        const text = JSON.stringify(elements)
        expect(decodeClientMessage(text)).toEqual({
          ok: true,
          elements: JSON.parse(text),
          tooDeep: new Map(),
          batch: true,
          overfull: false,
        })
      }),
    )
  })
})

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function deepElements(text: string): readonly number[] | undefined {
  const decoded = decodeClientMessage(text)
  return decoded.ok && 'tooDeep' in decoded ? [...decoded.tooDeep.keys()] : undefined
}

function neverThrows(text: unknown) {
  expect(typeof decodeClientMessage(text).ok).toBe('boolean')
}

/** A message with some characters inserted, removed or duplicated. */
function mutated(messages: readonly string[]) {
  const edit = fc.tuple(
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('', '"', '{', '}', '[', ']', ',', '\\', '1e999', '__proto__', '\uD800'),
  )
  return fc.tuple(fc.constantFrom(...messages), fc.array(edit, { maxLength: 5 })).map(([message, edits]) =>
    edits.reduce((text, [at, length, put]) => {
      const from = at % (text.length + 1)
      return text.slice(0, from) + put + text.slice(from + length)
    }, message),
  )
}
