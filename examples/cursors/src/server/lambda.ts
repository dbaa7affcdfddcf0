import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter, createContext } from './router.ts'

export const { authorizer, websocket, tableStream, deliver, worker, http } = createLambdaHandlers({
  router: appRouter,
  line,
  createContext,
})
