import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line, router } from './router.ts'

export const { authorizer, websocket, tableStream, deliver, worker, handler } = createLambdaHandlers({ router, line })
await preload()
