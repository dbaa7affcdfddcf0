import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter } from './router.ts'

/** The function at the stream of the table. */
export { cards } from './source.ts'

/** The functions of the line. */
export const { authorizer, websocket, tableStream, deliver, worker, http } = createLambdaHandlers({
  router: appRouter,
  line,
})
