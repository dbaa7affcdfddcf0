import { createLambdaHandlers } from '@trunkline/server/lambda'
import { router } from '../router.ts'
import { createAuthorize, createContext } from './authorize.ts'

const { OIDC_ISSUER: issuer = '', OIDC_AUDIENCE: audience = '' } = process.env

/** The functions of a line whose callers have tokens of OIDC_ISSUER. */
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router,
  authorize: createAuthorize({ issuer, audience }),
  createContext,
})
