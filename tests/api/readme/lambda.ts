import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line } from './line.ts'
import { appRouter } from './router.ts'

export const { handler } = createLambdaHandlers({
  router: appRouter,
  line,
  createContext: ({ sessionId }) => ({ user: sessionId }),
})
