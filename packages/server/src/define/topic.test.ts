import { limits } from '@trunkline/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { channelOfTopic, formatTopic, keyOfTopic } from './topic.ts'

describe('a topic’s name', () => {
  test.each<[string, Record<string, string | number>, string]>([
    ['chat.messages', { room: '7' }, 'chat.messages?room=s:7'],
    ['board.cards', { list: 'to do', board: 12 }, 'board.cards?board=n:12&list=s:to%20do'],
    ['news', {}, 'news?'],
    ['a?b', { 'x&y': '=#' }, 'a%3Fb?x%26y=s:%3D%23'],
    ['n', { a: -0, b: 1e21, c: 0.5 }, 'n?a=n:0&b=n:1e+21&c=n:0.5'],
  ])('of %s %j is %s [TL-TOPIC-1]', (channel, key, name) => {
    expect(formatTopic(channel, key)).toBe(name)
    expect(channelOfTopic(name)).toBe(channel)
  })

  const text = fc.string({ unit: 'binary', maxLength: 20 })
  const key = fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true })), { maxKeys: 5 })
  const wellFormed = (each: object) => !/\p{Surrogate}/u.test(Object.entries(each).flat().join(' '))

  test('is the same for any order of the members [TL-TOPIC-1]', () => {
    fc.assert(
      fc.property(key.filter(wellFormed), (each) => {
        const reversed = Object.fromEntries(Object.entries(each).reverse())
        expect(formatTopic('c', reversed)).toBe(formatTopic('c', each))
      }),
    )
  })
  test('differs for keys that differ, also if only in the type of a value [TL-TOPIC-1]', () => {
    expect(formatTopic('c', { a: 7 })).not.toBe(formatTopic('c', { a: '7' }))
    expect(formatTopic('c', { a: 'b&c=s:d' })).not.toBe(formatTopic('c', { a: 'b', c: 'd' }))
    const canonical = (each: object) => JSON.stringify(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
    fc.assert(
      fc.property(key.filter(wellFormed), key.filter(wellFormed), (one, other) => {
        const same = canonical(one) === canonical(other)
        expect(formatTopic('c', one) === formatTopic('c', other)).toBe(same)
      }),
    )
  })
  test('has the key in it, each value with its type', () => {
    fc.assert(
      fc.property(key.filter(wellFormed), (each) => {
        const written = Object.fromEntries(Object.entries(each).map(([name, value]) => [name, value === 0 ? 0 : value]))
        expect(keyOfTopic(formatTopic('c', each))).toEqual(written)
      }),
    )
    expect(keyOfTopic('news?')).toEqual({})
    expect(() => keyOfTopic('news?x')).toThrow('Expected the name of a topic')
  })
  test('is refused beyond topicBytes, and accepted with exactly topicBytes [TL-TOPIC-2]', () => {
    const room = limits.topicBytes.value - 'c?k=s:'.length
    expect(formatTopic('c', { k: 'x'.repeat(room) })).toHaveLength(limits.topicBytes.value)
    expect(() => formatTopic('c', { k: 'x'.repeat(room + 1) })).toThrow('at most 1536 are allowed')
    expect(() => formatTopic('c', { k: '💥'.repeat(200) })).toThrow('at most 1536 are allowed')
  })
  test.each<[string, unknown]>([
    ['a lone surrogate', '\uD800'],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['null', null],
    ['an object', {}],
    ['a boolean', true],
  ])('of %s is refused', (_, value) => {
    expect(() => formatTopic('c', { k: value as string })).toThrow(TypeError)
  })
})
