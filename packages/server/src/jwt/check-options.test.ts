import { base64url } from 'jose'
import { describe, expect, it } from 'vitest'
import { cognitoAuthorizer } from './cognito-authorizer.ts'
import { createKey } from './issuer.suite.ts'
import { jwtAuthorizer } from './jwt-authorizer.ts'

const { jwk } = await createKey('k1')
const secret = (bytes: number) => ({ kty: 'oct', k: base64url.encode(new Uint8Array(bytes)) })
const valid = { issuer: 'https://id.example', audience: 'line', jwksUri: 'https://id.example/jwks.json' }
const withKeys = { ...valid, jwksUri: undefined }

describe('the options of jwtAuthorizer', () => {
  it.each([
    ['https', valid],
    ['http on this machine', { ...valid, jwksUri: 'http://localhost:4500/jwks' }],
    ['http on the loopback address', { ...valid, jwksUri: 'http://127.0.0.1:4500/jwks' }],
    ['a key', { ...withKeys, keys: [jwk] }],
    ['a set of keys', { ...withKeys, keys: { keys: [jwk] } }],
    ['a secret', { ...withKeys, keys: [secret(32)], algorithms: ['HS256'] }],
    ['audiences', { ...valid, audience: ['a', 'b'] }],
  ])('may name %s', (_, options) => {
    expect(jwtAuthorizer(options as never)).toBeTypeOf('function')
  })

  it.each<[options: object, message: string]>([
    [
      { ...valid, issuer: undefined },
      'Expected issuer to be a text, got undefined. Set it to the value of "iss" in your tokens.',
    ],
    [{ ...valid, issuer: '' }, 'Expected issuer to be a text, got "".'],
    [{ ...valid, audience: undefined }, 'Expected audience to be a text or an array of texts, got undefined.'],
    [{ ...valid, audience: [] }, 'Expected audience to be a text or an array of texts, got [].'],
    [{ ...valid, audience: ['a', ''] }, 'Expected audience to be a text or an array of texts, got ["a",""].'],
    [
      { ...valid, keys: [jwk] },
      'Expected either jwksUri or keys, got both. Leave out keys to fetch them from jwksUri.',
    ],
    [withKeys, 'Expected either jwksUri or keys, got neither. Set jwksUri to the "jwks_uri" of your issuer'],
    [{ ...valid, jwksUri: '/jwks.json' }, 'Expected jwksUri to be a URL that begins with https://, got "/jwks.json".'],
    [{ ...valid, jwksUri: 'http://id.example/jwks' }, 'Over http, an attacker on the network could replace the keys.'],
    [{ ...valid, jwksUri: 'http://127.0.0.1.example/jwks' }, 'Over http, an attacker on the network'],
    [{ ...valid, jwksUri: 'file:///jwks.json' }, 'Expected jwksUri to be a URL that begins with https://'],
    [{ ...valid, jwksUri: 'https://user:pass@id.example/jwks' }, 'Expected jwksUri to be a URL without a password'],
    [{ ...valid, algorithms: [] }, 'Expected algorithms to be an array of RS256,'],
    [{ ...valid, algorithms: ['none'] }, 'A token that is not signed ("none") is never accepted.'],
    [{ ...valid, algorithms: ['rs256'] }, 'got ["rs256"].'],
    [{ ...valid, algorithms: 'RS256' }, 'got "RS256".'],
    [
      { ...valid, algorithms: ['RS256', 'HS256'] },
      'Expected algorithms of public keys with jwksUri, got HS256. A secret is never at a URL',
    ],
    [{ ...withKeys, keys: [] }, 'Expected keys to be JSON Web Keys, as an array or as { keys: […] }, got [].'],
    [{ ...withKeys, keys: '-----BEGIN PUBLIC KEY-----' }, 'Convert other keys with exportJWK of jose.'],
    [{ ...withKeys, keys: null }, 'Expected keys to be JSON Web Keys'],
    [{ ...withKeys, keys: [secret(32)] }, 'Expected public keys, got a secret (kty "oct").'],
    [{ ...withKeys, keys: [{ ...jwk, d: 'private' }] }, 'Expected public keys, got a private one.'],
    [
      { ...withKeys, keys: [jwk], algorithms: ['HS256'] },
      'Expected secrets (kty "oct") for HS256, got a key of kty "EC".',
    ],
    [
      { ...withKeys, keys: [secret(64)], algorithms: ['HS256', 'RS256'] },
      'Expected algorithms of one kind, got HS256, RS256. If both kinds were allowed, a token could be signed with a public key as its secret.',
    ],
    [
      { ...withKeys, keys: [secret(31)], algorithms: ['HS256'] },
      'Expected a secret of at least 32 bytes for HS256, got 31 bytes.',
    ],
    [{ ...withKeys, keys: [secret(63)], algorithms: ['HS512'] }, 'Expected a secret of at least 64 bytes for HS512'],
    [
      { ...valid, clockToleranceSeconds: 301 },
      'Expected clockToleranceSeconds to be a whole number from 0 to 300, got 301.',
    ],
    [{ ...valid, clockToleranceSeconds: '5' }, 'Expected clockToleranceSeconds to be a whole number from 0 to 300'],
    [{ ...valid, timeoutMs: 0 }, 'Expected timeoutMs to be a whole number from 100 to 10000, got 0.'],
    [{ ...valid, cooldownSeconds: -1 }, 'Expected cooldownSeconds to be a whole number from 0 to 3600, got -1.'],
    [{ ...valid, maxAgeSeconds: 0 }, 'Expected maxAgeSeconds to be a whole number from 1 to 86400, got 0.'],
    [{ ...valid, requiredClaims: [''] }, 'Expected requiredClaims to be a text or an array of texts, got [""].'],
    [{ ...valid, allowTokenInQuery: true }, 'Expected allowTokenInQuery to be a text, got true.'],
    [{ ...valid, principal: 'sub' }, 'Expected principal to be a function, got "sub".'],
    [{ ...valid, check: true }, 'Expected check to be a function, got true.'],
  ])('are refused with what to do: %j', (options, message) => {
    expect(() => jwtAuthorizer(options as never)).toThrow(message)
    expect(() => jwtAuthorizer(options as never)).toThrow(TypeError)
  })

  it('never show a key in an error', () => {
    const key = { ...secret(31), k: 'c2VjcmV0LXNlY3JldA' }
    for (const options of [{ algorithms: ['HS256'] }, {}, { jwksUri: 'https://id.example' }])
      expect(() => jwtAuthorizer({ ...withKeys, keys: [key], ...options } as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(key.k) }),
      )
  })
})

describe('the options of cognitoAuthorizer', () => {
  const pool = { userPoolId: 'eu-west-1_Ab129faBb', clientId: 'client', tokenUse: 'access' } as const

  it.each<[options: object, message: string]>([
    [{ userPoolId: undefined }, 'Expected userPoolId to be a text, got undefined. Copy it from the user pool'],
    [{ userPoolId: 'Ab129faBb' }, 'Expected userPoolId such as eu-west-1_Ab129faBb, got "Ab129faBb".'],
    [{ userPoolId: 'eu-west-1_a/../b' }, 'Expected userPoolId such as eu-west-1_Ab129faBb'],
    [{ region: 'us-east-1' }, 'Expected region to be eu-west-1, which the user pool names, got us-east-1.'],
    [{ clientId: '' }, 'Expected clientId to be a text or an array of texts, got "".'],
    [{ tokenUse: undefined }, "Expected tokenUse to be 'access' or 'id', got undefined."],
    [{ endpoint: 'http://cognito.example' }, 'Expected endpoint to be a URL that begins with https://'],
  ])('are refused with what to do: %j', (options, message) => {
    expect(() => cognitoAuthorizer({ ...pool, ...options } as never)).toThrow(message)
  })

  it('may name the region of the user pool', () => {
    expect(cognitoAuthorizer({ ...pool, region: 'eu-west-1' })).toBeTypeOf('function')
  })
})
