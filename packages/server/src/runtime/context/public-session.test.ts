import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicSessionId } from './public-session.ts'

test('[TL-HS-7] a public id is the first 128 bits of SHA-256 of the session id, as base64url', () => {
  const session = 'Vq3mPz0cT1eXo8Ys'
  const id = publicSessionId(session)
  expect(id).toMatch(/^[0-9A-Za-z_-]{22}$/)
  expect(id).toBe(createHash('sha256').update(session).digest('base64url').slice(0, 21) + id.slice(21))
  expect(Buffer.from(id, 'base64url')).toEqual(createHash('sha256').update(session).digest().subarray(0, 16))
})

test('a session has the same public id however many other sessions a process serves', () => {
  const first = publicSessionId('session-0')
  for (let n = 1; n <= 2_500; n++) publicSessionId(`session-${n}`)
  expect(publicSessionId('session-0')).toBe(first)
  expect(publicSessionId('session-1')).not.toBe(first)
})
