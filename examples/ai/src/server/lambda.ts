import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './chats.ts'
import { appRouter } from './router.ts'

/** The functions of Trunkline. Browsers may connect from the origins in AI_ORIGINS, separated by commas. */
export const { authorizer, websocket, tableStream, deliver, worker, http } = createLambdaHandlers({
  router: appRouter,
  line,
  origins: (process.env['AI_ORIGINS'] ?? '').split(',').filter((origin) => origin !== ''),
})
await preload() // a shorter first event in the functions that use the table for each
