import { createLambdaHandlers, preload } from '@trunkline/server'
import { powertoolsTelemetry } from '@trunkline/server/powertools'
import { authorize, createContext } from './auth.ts'
import { line } from './channels.ts'
import { appRouter } from './router.ts'

/** The functions of serverless.yml. Browsers may connect from the pages named in CHAT_ORIGINS, separated by commas. */
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router: appRouter,
  line,
  authorize,
  createContext,
  telemetry: powertoolsTelemetry(), // what the alarms and the dashboard of serverless.yml watch
  origins: (process.env['CHAT_ORIGINS'] ?? '').split(',').filter((origin) => origin !== ''),
})
await preload() // what every event of `tableStream` and `deliver` needs is read at init
