import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter } from './router.ts'

export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router: appRouter, line })
