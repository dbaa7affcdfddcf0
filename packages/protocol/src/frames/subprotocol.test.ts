import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatOffer, parseOffer, SUBPROTOCOL } from './subprotocol.ts'

const session = fc.stringMatching(/^[0-9A-Za-z_-]{16,64}$/)
const token = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }))
const known = 'Vq3mPz0cT1eXo8Ys'

describe('an offer', () => {
  test('is the same after formatting and parsing the header [TL-HS-1]', () => {
    fc.assert(
      fc.property(session, token, (session, token) => {
        const header = formatOffer({ session, token }).join(', ')
        expect(parseOffer(header)).toEqual({ session, token: token ?? undefined })
      }),
    )
  })

  test('has only entries that a header and a browser accept [TL-HS-1]', () => {
    expect(formatOffer({ session: known, token: null })).toEqual([SUBPROTOCOL, `session.${known}`])
    expect(formatOffer({ session: known, token: 'ann' })).toEqual([SUBPROTOCOL, `session.${known}`, 'token.YW5u'])
    fc.assert(
      fc.property(session, token, (session, token) => {
        const entries = formatOffer({ session, token })
        for (const entry of entries) expect(entry).toMatch(/^[0-9A-Za-z._-]+$/)
        expect(new Set(entries).size).toBe(entries.length)
      }),
    )
  })

  test.each([undefined, '', 'trunkline', 'trunkline.10', 'xtrunkline.1', `session.${known}`, 'TRUNKLINE.1'])(
    'is none in %j',
    (header) => {
      expect(parseOffer(header)).toBe(undefined)
    },
  )

  test.each([
    ['a session too short', 'session.abc', 'session'],
    ['a session of other characters', `session.${known}!`, 'session'],
    ['a session that is too long', `session.${'a'.repeat(65)}`, 'session'],
    ['a token that is not base64url', 'token.a+b=', 'token'],
    ['a token that is not UTF-8', 'token._w', 'token'],
    ['a token of one character', 'token.a', 'token'],
  ] as const)('counts %s as absent [TL-HS-3]', (_, entry, member) => {
    expect(parseOffer(`${SUBPROTOCOL}, ${entry}`)?.[member]).toBe(undefined)
  })

  test('never throws [TL-HS-3]', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => void parseOffer(`trunkline.1,token.${text},session.${text}`),
      ),
    )
    expect(parseOffer(Array(2_000).fill('trunkline.1').join(','))).toEqual({ session: undefined, token: undefined })
  })
})
