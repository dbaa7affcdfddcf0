import { createLambdaHandlers } from '@trunkline/server/lambda'
import { authorize, createContext } from './auth.ts'
import { line } from './channels.ts'
import { appRouter } from './router.ts'
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router: appRouter,
  line,
  authorize,
  createContext,
  origins: ['https://chat.example'],
})
