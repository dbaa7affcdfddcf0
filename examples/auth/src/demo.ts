import { startLocalLine } from '@trunkline/local'
import { startOidcIssuer } from './issuer/oidc-issuer.ts'
import { createAuthorize, createContext } from './oidc/authorize.ts'
import { router } from './router.ts'

/** `npm start`: an issuer, a line, a caller with a token, and one whose token is for another application. */
await using issuer = await startOidcIssuer()
await using local = await startLocalLine({
  router,
  authorize: createAuthorize({ issuer: issuer.issuer, audience: 'line' }),
  createContext,
})

const { client } = local.connect({ token: () => issuer.token({ user: 'ann', scope: 'read write' }) })
console.log('with a token:', await client.whoAmI.query())

const stranger = local.connect({ token: () => issuer.token({ client: 'another-application' }) })
await stranger.client.whoAmI.query().catch((error: Error) => console.log('with the token of another:', error.message))
console.log('its connection:', stranger.connection.state)
