import { createLambdaHandlers } from '@trunkline/server'
import { line } from './line.ts'
import { appRouter } from './router.ts'

export const { handler } = createLambdaHandlers({
  router: appRouter,
  line,
  createContext: ({ sessionId }) => ({ user: sessionId }),
})
