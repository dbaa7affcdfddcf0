import { initTRPC } from '@trpc/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'

const t = initTRPC.create()

/** The line whose inspector is measured. Its frames are keepalives, which run no function. */
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router: t.router({ hello: t.procedure.query(() => 'hello') }),
})
