import { preload } from '@trunkline/server/aws'
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
await preload() // a shorter first event in the functions that use the table for each
