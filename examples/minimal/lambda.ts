import { createLambdaHandlers } from '@trunkline/server/lambda'
import { authorize, createContext } from './auth.ts'
import { line } from './line.ts'
import { appRouter } from './router.ts'

export const { handler } = createLambdaHandlers({ router: appRouter, line, authorize, createContext })
