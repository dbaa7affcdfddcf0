import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deny } from '../define/identity.ts'
import { cognitoAuthorizer } from './cognito-authorizer.ts'
import { createKey, type Issuer, inSeconds, requestWith, startIssuer } from './issuer.suite.ts'

const userPoolId = 'eu-west-1_Ab129faBb'
const clientId = '1example23456789'

let cognito: Issuer
beforeAll(async () => {
  cognito = await startIssuer(await createKey('1234example=', 'RS256'))
})
afterAll(() => cognito.close())

/** The claims of an access token, as Cognito writes them: no `aud`, but `client_id`. */
const accessClaims = () => ({
  sub: 'aaaaaaaa-bbbb-cccc-dddd-example',
  'cognito:groups': ['moderators'],
  iss: `${cognito.url}/${userPoolId}`,
  client_id: clientId,
  origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-origin',
  event_id: 'bbbbbbbb-bbbb-cccc-dddd-event',
  token_use: 'access',
  scope: 'aws.cognito.signin.user.admin',
  auth_time: inSeconds(-10),
  jti: 'aaaaaaaa-bbbb-cccc-dddd-jti',
  username: 'ann@example.com',
  aud: undefined as never,
})
/** The claims of an ID token: `aud`, and who the user is. */
const idClaims = () => ({
  sub: 'aaaaaaaa-bbbb-cccc-dddd-example',
  'cognito:groups': ['moderators'],
  email_verified: true,
  iss: `${cognito.url}/${userPoolId}`,
  'cognito:username': 'ann@example.com',
  aud: clientId,
  event_id: 'bbbbbbbb-bbbb-cccc-dddd-event',
  token_use: 'id',
  auth_time: inSeconds(-10),
  email: 'ann@example.com',
})

async function authorize(tokenUse: 'access' | 'id', claims: JWTPayload, options = {}) {
  const pool = { userPoolId, clientId, tokenUse, endpoint: cognito.url, log: () => {} }
  return cognitoAuthorizer({ ...pool, ...options })(requestWith(await cognito.sign(claims)))
}

describe('an access token of Cognito', () => {
  it('names the caller by sub, with groups and scope and no address', async () => {
    expect(await authorize('access', accessClaims())).toEqual({
      principal: 'aaaaaaaa-bbbb-cccc-dddd-example',
      claims: { groups: ['moderators'], scope: 'aws.cognito.signin.user.admin' },
      expiresAt: expect.any(Date),
      issuedAt: expect.any(Date),
    })
  })

  it.each<[what: string, claims: JWTPayload, reason: string]>([
    ['of another app client', { client_id: 'other' }, 'This token is for another audience.'],
    ['without a client', { client_id: undefined }, 'This token is for another audience.'],
    [
      'with the client only as its audience',
      { client_id: 'other', aud: clientId },
      'This token is for another audience.',
    ],
    ['of another user pool', { iss: 'https://other.example/pool' }, 'This token is of another issuer.'],
    ['without a use', { token_use: undefined }, 'This token is for another use.'],
  ])('%s is refused', async (_, claims, reason) => {
    expect(await authorize('access', { ...accessClaims(), ...claims })).toEqual(deny(reason))
  })

  it('of one of several app clients passes', async () => {
    expect(await authorize('access', accessClaims(), { clientId: ['web', clientId] })).toHaveProperty('principal')
  })

  it('is refused where an ID token is expected, and the other way round', async () => {
    const reason = deny('This token is for another use.')
    expect(await authorize('id', accessClaims())).toEqual(reason)
    expect(await authorize('access', idClaims())).toEqual(reason)
  })
})

describe('an ID token of Cognito', () => {
  it('passes with the app client as its audience', async () => {
    expect(await authorize('id', idClaims())).toMatchObject({ claims: { groups: ['moderators'] } })
    expect(await authorize('id', { ...idClaims(), aud: 'other' })).toEqual(deny('This token is for another audience.'))
  })

  it('is checked by the application in addition', async () => {
    const check = ({ email }: JWTPayload) => (email === 'bob@example.com' ? undefined : deny('You are not invited.'))
    expect(await authorize('id', idClaims(), { check })).toEqual(deny('You are not invited.'))
    expect(await authorize('id', { ...idClaims(), aud: 'other' }, { check })).toEqual(
      deny('This token is for another audience.'),
    )
  })
})

it('the keys of a user pool are fetched from its own address', async () => {
  const paths: (string | undefined)[] = []
  cognito.answer = (request, response) => {
    paths.push(request.url)
    response.end(JSON.stringify({ keys: cognito.keys.map(({ jwk }) => jwk) }))
  }
  await authorize('access', accessClaims())
  cognito.answer = undefined
  expect(paths).toEqual([`/${userPoolId}/.well-known/jwks.json`])
})
