import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChunkFrame } from '../frames/frames.ts'
import { limits } from '../limits/limits.ts'
import { parseClientFrame, serverFrame } from '../schemas.ts'
import { toChunks } from './chunk.ts'

const bytesOf = (text: string) => Buffer.byteLength(text)
const chunked = (text: string, maxBytes: number, id: string | number = 7) =>
  toChunks({ id, message: 'm'.repeat(64), text }, maxBytes)
const framesOf = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as ChunkFrame)
const joined = (texts: readonly string[]) =>
  framesOf(texts)
    .map(({ params }) => params.text)
    .join('')

describe('chunks [TL-CHUNK-1]', () => {
  test('carry any JSON text, split anywhere, in frames within the limit that name their place', () => {
    const texts = fc.json({ stringUnit: 'binary', maxDepth: 3 }).map((json) => json.padEnd(1_500, '"\\🦊ü'))
    fc.assert(
      fc.property(texts, fc.integer({ min: 200, max: 900 }), (text, maxBytes) => {
        const parts = chunked(text, maxBytes)
        expect(joined(parts)).toBe(text)
        for (const [index, { params }] of framesOf(parts).entries())
          expect(params).toMatchObject({ part: index, of: parts.length, bytes: bytesOf(text) })
        for (const part of parts) expect(bytesOf(part)).toBeLessThanOrEqual(maxBytes)
      }),
    )
  })
  test('never split a surrogate pair', () => {
    const parts = framesOf(chunked('🦊'.repeat(5_000), 1_001))
    expect(parts.length).toBeGreaterThan(20)
    for (const { params } of parts) expect(params.text).not.toMatch(/\p{Surrogate}/u)
  })
  test('fill their frames for any escapes in the text', () => {
    for (const text of ['x', '"', '\\', 'ü', '€', '🦊'].map((unit) => unit.repeat(100_000))) {
      const [first = ''] = chunked(text, limits.frameBytes.value)
      expect(bytesOf(first)).toBeGreaterThan(limits.frameBytes.value - 300)
    }
  })
  test('fit with the longest id', () => {
    for (const id of ['"'.repeat(128), '\u0001'.repeat(128), 'ü'.repeat(64), Number.MAX_SAFE_INTEGER, -1.5e-300])
      for (const part of chunked('x"'.repeat(50_000), limits.frameBytes.value, id))
        expect(bytesOf(part)).toBeLessThanOrEqual(limits.frameBytes.value)
  })
  test('are valid frames for client and server', () => {
    for (const frame of framesOf(chunked('"'.repeat(100_000), limits.frameBytes.value))) {
      expect(parseClientFrame(frame)).toEqual({ ok: true, frame })
      expect(serverFrame.parse(frame)).toEqual(frame)
    }
  })
})

describe('a chunk whose numbers contradict each other [TL-CHUNK-2]', () => {
  const frame = { id: 7, method: 'chunk', params: { message: 'm', part: 0, of: 2, bytes: 10_000, text: 'x' } }
  const withParams = (params: object) => parseClientFrame({ ...frame, params: { ...frame.params, ...params } })
  test.each([
    ['a part beyond the count', { part: 2 }],
    ['a part before the first', { part: -1 }],
    ['no parts', { part: 0, of: 0 }],
    ['more parts than its bytes need', { of: 3 }],
    ['a part of a part', { part: 0.5 }],
    ['bytes without a bound', { bytes: 1e300, of: 2 }],
    ['no bytes', { bytes: 0, of: 1 }],
    ['no name', { message: '' }],
    ['a name beyond 64 bytes', { message: 'm'.repeat(65) }],
    ['a text that is not a string', { text: 1 }],
    ['a text that UTF-8 cannot carry', { text: '\ud800' }],
  ])('is malformed: %s', (_, params) => {
    expect(withParams(params)).toMatchObject({ ok: false, reason: expect.stringContaining('chunk') })
  })
  test('is accepted when they agree', () => {
    expect(withParams({}).ok).toBe(true)
  })
})
