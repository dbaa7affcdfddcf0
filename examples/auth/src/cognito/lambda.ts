import { createLambdaHandlers } from '@trunkline/server/lambda'
import { router } from '../router.ts'
import { createAuthorize, createContext } from './authorize.ts'

const { COGNITO_USER_POOL_ID: userPoolId = '', COGNITO_CLIENT_ID: clientId = '' } = process.env

/** The functions of a line whose callers have tokens of a Cognito user pool. */
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router,
  authorize: createAuthorize({ userPoolId, clientId }),
  createContext,
})
