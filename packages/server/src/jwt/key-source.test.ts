import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deny } from '../define/identity.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { createKey, type Issuer, type IssuerKey, requestWith, startIssuer } from './issuer.suite.ts'
import { jwtAuthorizer } from './jwt-authorizer.ts'
import { TokenUncheckedError } from './key-source.ts'

const [first, second, stranger] = (await Promise.all(['k1', 'k2', 'k3'].map((kid) => createKey(kid)))) as [
  IssuerKey,
  IssuerKey,
  IssuerKey,
]
const unknownKey = deny('This token is signed by a key that its issuer does not publish.')

let issuer: Issuer
let logged: LogEntry[]
let authorize: ReturnType<typeof jwtAuthorizer>
beforeEach(async () => {
  issuer = await startIssuer(first)
  logged = []
  authorize = create()
})
afterEach(async () => {
  vi.useRealTimers()
  await issuer.close()
})
afterAll(() => vi.unstubAllGlobals())

function create(overrides: { readonly timeoutMs?: number; readonly jwksUri?: string } = {}) {
  const { url, jwksUri } = issuer
  return jwtAuthorizer({ issuer: url, audience: 'line', jwksUri, log: (entry) => logged.push(entry), ...overrides })
}

/** Sets only the wall clock, so that sockets and timers go on. */
function wait(ms: number): void {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now: now + ms })
}

const check = async (key = first) => authorize(requestWith(await issuer.sign({}, { key })))
const accepted = { principal: 'ann' }

describe('the keys of an issuer', () => {
  it('are fetched once for tokens that come together, and kept', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => check()))
    expect(results).toEqual(Array.from({ length: 10 }, () => expect.objectContaining(accepted)))
    expect(await check()).toMatchObject(accepted)
    expect(issuer.requests).toBe(1)
  })

  it('are not fetched before the first token, nor for a token whose algorithm is not allowed', async () => {
    expect(await authorize(requestWith('wrong'))).toEqual(deny('This is not a JSON Web Token.'))
    expect(issuer.requests).toBe(0)
  })

  it('are fetched once more for unknown keys, after the cooldown alone', async () => {
    await check()
    expect(await check(stranger)).toEqual(unknownKey)
    expect(issuer.requests).toBe(1)
    wait(31_000)
    expect(await Promise.all([check(stranger), check(stranger)])).toEqual([unknownKey, unknownKey])
    expect(await check(stranger)).toEqual(unknownKey)
    expect(issuer.requests).toBe(2)
  })

  it('may be rotated: the next token of a new key fetches them, and the old key ends', async () => {
    await check()
    issuer.keys = [second]
    wait(31_000)
    expect(await check(second)).toMatchObject(accepted)
    expect(await check(first)).toEqual(unknownKey)
    expect(issuer.requests).toBe(2)
  })

  it('are fetched again after ten minutes, so that a withdrawn key ends', async () => {
    await check()
    issuer.keys = [second]
    const token = await issuer.sign({ exp: Math.floor(Date.now() / 1_000) + 3_600 }, { key: first })
    expect(await authorize(requestWith(token))).toMatchObject(accepted)
    wait(601_000)
    expect(await authorize(requestWith(token))).toEqual(unknownKey)
  })

  it('that are too weak or of another kind are not the token’s fault', async () => {
    issuer.keys = [{ ...first, jwk: { ...first.jwk, x: 'AAAA' } }]
    await expect(check()).rejects.toThrow(TokenUncheckedError)
  })
})

describe('keys that cannot be fetched', () => {
  const unchecked = 'The token could not be checked: the keys of its issuer are not available.'
  const html = '<html>not found</html>'

  it.each<[what: string, answer: NonNullable<Issuer['answer']>, error: string]>([
    ['an error', (_, response) => response.writeHead(503).end(html), 'Expected status 200, got 503.'],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1/keys' }).end(),
      'Expected status 200, got 302.',
    ],
    ['a page', (_, response) => response.end(html), 'Expected a JSON Web Key Set, got a text that is not JSON.'],
    ['other JSON', (_, response) => response.end('{"issuer":"a"}'), 'Expected a JSON Web Key Set with keys, got JSON'],
    ['null', (_, response) => response.end('null'), 'Expected a JSON Web Key Set with keys, got JSON'],
    ['no keys', (_, response) => response.end('{"keys":[]}'), 'Expected a JSON Web Key Set with keys, got JSON'],
    ['endless bytes', (_, response) => response.end('x'.repeat(300_000)), 'Expected at most 262144 bytes, got more.'],
    ['half a body', (_, response) => void response.write('{', () => response.destroy()), ''],
    ['a broken connection', (request) => void request.socket.destroy(), 'fetch failed'],
  ])('since the issuer sends %s, fail the attempt to connect and are logged once', async (_, answer, error) => {
    issuer.answer = answer
    const [one, two] = await Promise.allSettled([check(), check()])
    for (const result of [one, two]) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'TokenUncheckedError', message: unchecked } })
    }
    expect(logged).toMatchObject([{ level: 'ERROR', facts: { jwksUri: issuer.jwksUri } }])
    expect(String(logged[0]?.facts['error'])).toContain(error)
  })

  it.each<[what: string, answer: NonNullable<Issuer['answer']>]>([
    ['does not answer', () => {}],
    ['does not end its answer', (_, response) => void response.write('{"keys":[')],
  ])('since the issuer %s, end at the timeout', async (_, answer) => {
    authorize = create({ timeoutMs: 100 })
    issuer.answer = answer
    await expect(check()).rejects.toThrow(unchecked)
    expect(logged).toMatchObject([{ level: 'ERROR', facts: { error: 'No answer within the timeout.' } }])
  })

  it('since nobody listens, fail the attempt to connect', async () => {
    authorize = create({ jwksUri: 'http://127.0.0.1:1/keys' })
    await expect(check()).rejects.toThrow(unchecked)
    expect(logged).toHaveLength(1)
  })

  it('are asked for again after a second, and then tokens pass', async () => {
    issuer.answer = (_, response) => response.writeHead(500).end()
    await expect(check()).rejects.toThrow(unchecked)
    await expect(check()).rejects.toThrow(unchecked)
    expect(issuer.requests).toBe(1)
    issuer.answer = undefined
    wait(1_001)
    expect(await check()).toMatchObject(accepted)
  })

  it('leave the known keys in use until they are ten minutes old', async () => {
    await check()
    issuer.answer = (_, response) => response.writeHead(500).end()
    wait(300_000)
    expect(await check()).toMatchObject(accepted)
    await expect(check(second)).rejects.toThrow(unchecked)
    expect(await check()).toMatchObject(accepted)
  })

  it('on a kept connection that is broken are fetched on another one', async () => {
    let broken = false
    issuer.answer = (request, response) => {
      if (!broken) {
        broken = true
        request.socket.destroy()
        return
      }
      response.end(JSON.stringify({ keys: [first.jwk] }))
    }
    expect(await check()).toMatchObject(accepted)
    expect(logged).toEqual([])
  })
})
