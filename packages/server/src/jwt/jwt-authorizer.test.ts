// More than 200 lines: every way in which a token is refused, over one issuer.
import { base64url, exportSPKI, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { anonymous, type ConnectRequest, type CreateContextOptions, deny } from '../define/identity.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import type { JwtClaims } from './create-authorizer.ts'
import { createKey, type Issuer, type IssuerKey, inSeconds, requestWith, startIssuer } from './issuer.suite.ts'
import { jwtAuthorizer } from './jwt-authorizer.ts'

let issuer: Issuer
let key: IssuerKey
beforeAll(async () => {
  key = await createKey('k1', 'RS256')
  issuer = await startIssuer(key)
})
afterAll(() => issuer.close())

const logged: LogEntry[] = []
type Overrides = Partial<Parameters<typeof jwtAuthorizer<JwtClaims, boolean>>[0]>

/** An authorizer of the issuer, which logs into `logged`. */
function authorizer(overrides: Overrides = {}) {
  const { url, jwksUri } = issuer
  const log = (entry: LogEntry) => void logged.push(entry)
  return jwtAuthorizer<JwtClaims, boolean>({ issuer: url, audience: 'line', jwksUri, log, ...overrides } as Parameters<
    typeof jwtAuthorizer<JwtClaims, boolean>
  >[0])
}

/** Expects a refusal whose reason and log lines hold no part of the token. Returns the reason. */
async function refusalOf(token: string | undefined, overrides: Overrides = {}): Promise<string> {
  logged.length = 0
  const result = await authorizer(overrides)(requestWith(token))
  const reason = (result as ReturnType<typeof deny>).reason
  expect(result).toEqual(deny(reason))
  expect(logged).toMatchObject([{ level: 'WARN', message: 'Refused a token.', facts: { reason } }])
  const said = `${reason} ${JSON.stringify(logged)}`
  for (const part of token?.split('.').filter(({ length }) => length > 8) ?? []) expect(said).not.toContain(part)
  return reason
}

describe('a valid token', () => {
  it('names the caller, its permissions and the end of its authority', async () => {
    const exp = inSeconds(60)
    const token = await issuer.sign({
      ...{ exp, iat: exp - 600 },
      scope: 'read write',
      roles: ['admin'],
      groups: ['staff'],
      email: 'ann@example.com',
    })
    expect(await authorizer()(requestWith(token))).toEqual({
      principal: 'ann',
      claims: { scope: 'read write', roles: ['admin'], groups: ['staff'] },
      expiresAt: new Date(exp * 1_000),
      issuedAt: new Date((exp - 600) * 1_000),
    })
  })

  it('is of one of several audiences', async () => {
    const token = await issuer.sign({ aud: ['other', 'second'] })
    expect(await authorizer({ audience: ['line', 'second'] })(requestWith(token))).toMatchObject({ principal: 'ann' })
  })

  it('names a principal and claims of the application’s own choice', async () => {
    const authorize = jwtAuthorizer({
      ...{ issuer: issuer.url, audience: 'line', jwksUri: issuer.jwksUri },
      principal: ({ sub }) => `user:${sub}`,
      claims: ({ tenant }) => ({ tenant: String(tenant) }),
    })
    const result = await authorize(requestWith(await issuer.sign({ tenant: 't1' })))
    expect(result).toMatchObject({ principal: 'user:ann', claims: { tenant: 't1' } })
    expectTypeOf<CreateContextOptions<typeof authorize>['principal']>().toEqualTypeOf<string>()
    expectTypeOf<CreateContextOptions<typeof authorize>['claims']>().toEqualTypeOf<{ tenant: string }>()
  })

  it('passes the application’s own check, or is refused with its reason', async () => {
    const check = ({ verified }: JWTPayload) => (verified === true ? undefined : deny('Verify your address first.'))
    expect(await authorizer({ check })(requestWith(await issuer.sign({ verified: true })))).toMatchObject({
      principal: 'ann',
    })
    expect(await refusalOf(await issuer.sign(), { check })).toBe('Verify your address first.')
  })

  it('is not accepted when the check returns something else', async () => {
    const check = (() => false) as never
    await expect(authorizer({ check })(requestWith(await issuer.sign()))).rejects.toThrow(
      'Expected check to return deny(reason) or undefined, got false.',
    )
  })

  it('of ES256 or EdDSA passes by default', async () => {
    const others = await Promise.all([createKey('es', 'ES256'), createKey('ed', 'EdDSA')])
    for (const other of others) {
      const token = await issuer.sign({}, { key: other })
      const overrides = { jwksUri: undefined, keys: others.map(({ jwk }) => jwk) } as Overrides
      expect(await authorizer(overrides)(requestWith(token))).toMatchObject({ principal: 'ann' })
    }
  })

  it('without a kid is checked by every key that fits', async () => {
    const twins = await Promise.all([createKey('a'), createKey('b')])
    const overrides = { jwksUri: undefined, keys: { keys: twins.map(({ jwk }) => jwk) } } as Overrides
    const sign = (by: IssuerKey | undefined) => issuer.sign({}, { ...(by && { key: by }), header: { kid: undefined } })
    expect(await authorizer(overrides)(requestWith(await sign(twins[1])))).toMatchObject({ principal: 'ann' })
    expect(await refusalOf(await sign(await createKey('c')), overrides)).toBe('The signature of this token is wrong.')
  })
})

describe('a token is refused', () => {
  const expired = 'This token has expired.'
  const wrongSignature = 'The signature of this token is wrong.'
  const wrongAlgorithm = 'This token is signed by an algorithm that is not allowed.'

  it.each<[what: string, claims: JWTPayload, reason: string]>([
    ['has expired', { exp: inSeconds(-60) }, expired],
    ['is not valid yet', { nbf: inSeconds(60) }, 'This token is not valid yet.'],
    ['is for another audience', { aud: 'other' }, 'This token is for another audience.'],
    ['is of another issuer', { iss: 'https://other.example' }, 'This token is of another issuer.'],
    ['has no audience', { aud: undefined as never }, 'This token has no claim aud.'],
    ['has no issuer', { iss: undefined as never }, 'This token has no claim iss.'],
    ['has no expiry', { exp: undefined as never }, 'This token has no claim exp.'],
    ['has an expiry of a wrong type', { exp: '2030' as never }, 'The claim exp of this token is invalid.'],
    ['has an expiry beyond every date', { exp: 1e15 }, expired],
    ['has no subject', { sub: undefined as never }, 'This token names no principal.'],
    ['has an empty subject', { sub: '' }, 'This token names no principal.'],
    ['has a subject that is no text', { sub: 7 as never }, 'This token names no principal.'],
  ])('that %s', async (_, claims, reason) => {
    expect(await refusalOf(await issuer.sign(claims))).toBe(reason)
  })

  it('that lacks a claim which the options require', async () => {
    for (const requiredClaims of [['tenant'], 'tenant' as never])
      expect(await refusalOf(await issuer.sign(), { requiredClaims })).toBe('This token has no claim tenant.')
  })

  it('that is not signed', async () => {
    const token = new UnsecuredJWT({ iss: issuer.url, aud: 'line', sub: 'ann', exp: inSeconds(60) }).encode()
    expect(await refusalOf(token)).toBe(wrongAlgorithm)
  })

  it('that is signed with the public key as a secret', async () => {
    const publicKey = await importJWK(key.jwk, 'RS256')
    const secrets = [await exportSPKI(publicKey as never), JSON.stringify(key.jwk), key.jwk.n ?? '']
    for (const secret of secrets) {
      const token = await new SignJWT({ iss: issuer.url, aud: 'line', sub: 'mallory', exp: inSeconds(60) })
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .sign(new TextEncoder().encode(secret))
      expect(await refusalOf(token)).toBe(wrongAlgorithm)
    }
  })

  it('that is signed by an algorithm outside of the list', async () => {
    expect(await refusalOf(await issuer.sign(), { algorithms: ['ES256'] })).toBe(wrongAlgorithm)
  })

  it('that brings a key of its own', async () => {
    const own = await createKey('k1', 'RS256')
    const token = await issuer.sign({}, { key: own, header: { jwk: own.jwk, jku: 'https://evil.example/jwks' } })
    expect(await refusalOf(token)).toBe(wrongSignature)
  })

  it('whose claims were changed', async () => {
    const [header, , signature] = (await issuer.sign()).split('.')
    const forged = base64url.encode(JSON.stringify({ iss: issuer.url, aud: 'line', sub: 'bob', exp: inSeconds(60) }))
    expect(await refusalOf(`${header}.${forged}.${signature}`)).toBe(wrongSignature)
  })

  it('that needs an extension', async () => {
    const header = base64url.encode(JSON.stringify({ alg: 'RS256', kid: 'k1', crit: ['exp2'], exp2: 1 }))
    const [, payload, signature] = (await issuer.sign()).split('.')
    expect(await refusalOf(`${header}.${payload}.${signature}`)).toBe(
      'This token needs an extension that is not supported.',
    )
  })

  it.each(['', 'not-a-token-at-all', 'aaaaaaaaaa.bbbbbbbbbb', 'aaaaaaaaaa.bbbbbbbbbb.cccccccccc', '{"alg":"none"}'])(
    'that is no token: %j',
    async (token) => {
      const reason = await refusalOf(token)
      expect(reason).toBe(
        token === ''
          ? 'Expected a token of 1 to 7000 bytes of well-formed Unicode, got 0 bytes.'
          : 'This is not a JSON Web Token.',
      )
    },
  )

  it('that is huge, before it is read', async () => {
    const token = await issuer.sign({ padding: 'x'.repeat(1_000_000) })
    expect(await refusalOf(token)).toMatch(
      /^Expected a token of 1 to 7000 bytes of well-formed Unicode, got \d+ bytes\.$/,
    )
  })

  it('with what the issuer wrote in the log, and a shortened name of the key', async () => {
    await refusalOf(await issuer.sign({ aud: 'other' }))
    expect(logged[0]?.facts).toMatchObject({ refusal: 'audience', issuer: issuer.url, came: 'other', kid: 'k1' })
    await refusalOf(await issuer.sign({}, { header: { kid: 'x'.repeat(500) } }))
    expect(logged[0]?.facts).toMatchObject({ refusal: 'unknown-key', kid: 'x'.repeat(80) })
  })
})

describe('the skew of clocks', () => {
  it('is 5 s by default, for the end and for the beginning', async () => {
    for (const claims of [{ exp: inSeconds(-3) }, { nbf: inSeconds(4) }])
      expect(await authorizer()(requestWith(await issuer.sign(claims)))).toMatchObject({ principal: 'ann' })
    expect(await refusalOf(await issuer.sign({ exp: inSeconds(-6) }))).toBe('This token has expired.')
    expect(await refusalOf(await issuer.sign({ nbf: inSeconds(7) }))).toBe('This token is not valid yet.')
  })

  it('can be another, and does not prolong the authority', async () => {
    const exp = inSeconds(-20)
    const result = await authorizer({ clockToleranceSeconds: 30 })(requestWith(await issuer.sign({ exp })))
    expect(result).toMatchObject({ expiresAt: new Date(exp * 1_000) })
    expect(await refusalOf(await issuer.sign({ exp: inSeconds(-1) }), { clockToleranceSeconds: 0 })).toBe(
      'This token has expired.',
    )
  })

  it('is counted by the given clock', async () => {
    const clock = { now: () => Date.now() + 3_600_000 }
    expect(await refusalOf(await issuer.sign(), { clock })).toBe('This token has expired.')
  })
})

describe('without a token', () => {
  it('a caller is refused', async () => {
    expect(await refusalOf(undefined)).toBe('No token was sent.')
  })

  it('a caller is anonymous where that is allowed, and a wrong token is still refused', async () => {
    const authorize = jwtAuthorizer({
      ...{ issuer: issuer.url, audience: 'line', jwksUri: issuer.jwksUri, log: () => {} },
      anonymous: true,
    })
    expect(await authorize(requestWith(undefined))).toBe(anonymous)
    expect(await authorize(requestWith('wrong'))).toEqual(deny('This is not a JSON Web Token.'))
    expectTypeOf<CreateContextOptions<typeof authorize>['principal']>().toEqualTypeOf<string | null>()
  })

  it('the query is read only under the name that allowTokenInQuery gives', async () => {
    const token = await issuer.sign()
    const from = (query: ConnectRequest['query'], overrides: Overrides, sent?: string) =>
      authorizer(overrides)(requestWith(sent, query))
    const allowed = { allowTokenInQuery: 'token' }
    expect(await from({ token }, {})).toEqual(deny('No token was sent.'))
    expect(await from({ other: token }, allowed)).toEqual(deny('No token was sent.'))
    expect(await from({ token }, allowed)).toMatchObject({ principal: 'ann' })
    expect(await from({ token }, allowed, 'wrong')).toEqual(deny('This is not a JSON Web Token.'))
  })
})

describe('a secret', () => {
  const secret = new Uint8Array(32).fill(7)
  const jwk = { kty: 'oct', k: base64url.encode(secret), kid: 's1' }
  const overrides = { jwksUri: undefined, keys: [jwk], algorithms: ['HS256'] } as Overrides
  const sign = (header: { kid?: string } = {}, by = secret) =>
    new SignJWT({ iss: issuer.url, aud: 'line', sub: 'ann', exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'HS256', ...header })
      .sign(by)

  it('verifies a token where its algorithm is named', async () => {
    for (const header of [{}, { kid: 's1' }])
      expect(await authorizer(overrides)(requestWith(await sign(header)))).toMatchObject({ principal: 'ann' })
  })

  it('verifies no token of another secret, of another kid or of another kind', async () => {
    expect(await refusalOf(await sign({}, new Uint8Array(32)), overrides)).toBe('The signature of this token is wrong.')
    expect(await refusalOf(await sign({ kid: 's2' }), overrides)).toMatch(/a key that its issuer does not publish/)
    expect(await refusalOf(await issuer.sign(), overrides)).toMatch(/an algorithm that is not allowed/)
  })
})
