import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { powertoolsTelemetry } from '@trunkline/server/powertools'
import { line, router } from './router.ts'

const telemetry = powertoolsTelemetry()
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router, line, telemetry })
await preload()
