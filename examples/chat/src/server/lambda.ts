import { preload } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { powertoolsTelemetry } from '@trunkline/server/powertools'
import { authorizeOfEnvironment, createContext } from './auth.ts'
import { line } from './channels.ts'
import { appRouter } from './router.ts'

/** The functions of serverless.yml. Browsers may connect from the origins in TRUNKLINE_ORIGINS, which the template sets. */
export const { authorizer, websocket, tableStream, deliver, worker, http, httpStream } = createLambdaHandlers({
  router: appRouter,
  line,
  authorize: authorizeOfEnvironment(),
  createContext,
  telemetry: powertoolsTelemetry(), // the metrics for the alarms and the dashboard of serverless.yml
})
await preload() // reads at init what every event of `tableStream` and `deliver` needs
