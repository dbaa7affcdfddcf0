import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startOidcIssuer } from '../src/issuer/oidc-issuer.ts'
import type { TokenServer } from '../src/issuer/token-server.ts'
import { createAuthorize, createContext } from '../src/oidc/authorize.ts'
import { router } from '../src/router.ts'

let issuer: TokenServer
let local: LocalLine<typeof router>
beforeEach(async () => {
  const now = () => local.clock.now() // that of the line, so that a test can advance all of them
  issuer = await startOidcIssuer(now)
  const authorize = createAuthorize({ issuer: issuer.issuer, audience: 'line', clock: { now } })
  local = await startLocalLine({ router, authorize, createContext })
})
afterEach(async () => {
  await local.close()
  await issuer[Symbol.asyncDispose]()
})

test('a caller is who the token names', async () => {
  const { client } = local.connect({ token: () => issuer.token({ user: 'ann', scope: 'read write' }) })
  expect(await client.whoAmI.query()).toEqual({ user: 'ann', may: 'read write' })
})

test('a fresh token is taken over the open socket, before the old one ends', async () => {
  const scopes = ['read', 'read write']
  const token = vi.fn(() => issuer.token({ scope: scopes.shift() ?? 'too many' }))
  const { client, connection } = local.connect({ token })
  expect(await client.whoAmI.query()).toEqual({ user: 'ann', may: 'read' })
  const states: string[] = []
  connection.subscribe(() => states.push(connection.state.status))

  await local.clock.advance('7m')
  while (token.mock.calls.length === 1) await local.clock.advance('10s') // the client renews after 7 to 9 minutes
  await Promise.all(token.mock.results.map(({ value }) => value))
  await local.idle()
  await local.clock.advance('3m') // the first token has ended
  expect(await client.whoAmI.query()).toEqual({ user: 'ann', may: 'read write' })
  expect(token).toHaveBeenCalledTimes(2)
  expect(states).toEqual([])
})

test('a token for another application is refused, and the client says why and stays away', async () => {
  const { client, connection } = local.connect({ token: () => issuer.token({ client: 'another-application' }) })
  await expect(client.whoAmI.query()).rejects.toThrow('This token is for another audience.')
  expect(connection.state).toEqual({
    status: 'closed',
    cause: { code: 'refused', message: 'This token is for another audience.' },
  })
})

test('a caller without a token is refused', async () => {
  const { client } = local.connect()
  await expect(client.whoAmI.query()).rejects.toThrow('No token was sent.')
})

test('while the issuer is away nobody is refused: the client tries again', async () => {
  const token = await issuer.token()
  await issuer[Symbol.asyncDispose]()
  const { client, connection } = local.connect({ token: () => token })
  const calling = client.whoAmI.query().catch((error: Error) => error.message)
  await vi.waitFor(() => expect(connection.state.status).toBe('reconnecting'))
  await connection.close()
  expect(await calling).not.toContain('token')
})
