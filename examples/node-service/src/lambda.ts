import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter } from './router.ts'

export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router: appRouter, line })
await preload() // a shorter first event in the functions that use the table for each
