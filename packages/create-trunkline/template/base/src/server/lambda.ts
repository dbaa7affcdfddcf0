import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter } from './router.ts'

/** The functions that are deployed. */
export const { authorizer, websocket, tableStream, deliver, worker, http } = createLambdaHandlers({
  router: appRouter,
  line,
})
