import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthorize, createContext } from '../src/cognito/authorize.ts'
import { startCognitoIssuer } from '../src/issuer/cognito-issuer.ts'
import type { TokenServer } from '../src/issuer/token-server.ts'
import { router } from '../src/router.ts'

const userPoolId = 'eu-west-1_Example01'
const clientId = '1example23456789'

let cognito: TokenServer
let local: LocalLine<typeof router>
beforeAll(async () => {
  cognito = await startCognitoIssuer(userPoolId)
  const authorize = createAuthorize({ userPoolId, clientId, endpoint: new URL(cognito.issuer).origin })
  local = await startLocalLine({ router, authorize, createContext })
})
afterAll(async () => {
  await local.close()
  await cognito[Symbol.asyncDispose]()
})

test('a user of the pool calls with an access token', async () => {
  const { client } = local.connect({ token: () => cognito.token({ client: clientId, scope: 'chat/write' }) })
  expect(await client.whoAmI.query()).toEqual({ user: 'ann', may: 'chat/write' })
})

test('a token of another app client of the pool is refused', async () => {
  const { client, connection } = local.connect({ token: () => cognito.token({ client: 'other' }) })
  await expect(client.whoAmI.query()).rejects.toThrow('This token is for another audience.')
  expect(connection.state).toMatchObject({ status: 'closed', cause: { code: 'refused' } })
})
