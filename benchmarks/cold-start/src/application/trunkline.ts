import { createLambdaHandlers, preload } from '@trunkline/server'
import { line, router } from './router.ts'

export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router, line })
await preload()
