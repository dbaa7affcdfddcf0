import { initTRPC } from '@trpc/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { createLine } from '../line/create-line.ts'
import { applicationOf } from './application.ts'
import { createLambdaHandlers } from './handlers.ts'

const t = initTRPC.create()
const router = t.router({ hello: t.procedure.query(() => 'hello') })

test('each handler names its router and the channels of its line, also those that are declared later', () => {
  const line = createLine()
  line.channel('first', { key: z.object({}), event: z.object({}) })
  const handlers = createLambdaHandlers({ router, line })
  line.ephemeral('second', { key: z.object({}), event: z.object({}) })
  for (const handler of Object.values(handlers)) {
    expect(applicationOf(handler)?.router).toBe(router)
    expect(applicationOf(handler)?.channels.map(({ name }) => name)).toEqual(['first', 'second'])
  }
})

test('it says whether the application has an authorize', () => {
  const open = createLambdaHandlers({ router })
  const asking = createLambdaHandlers({
    router,
    authorize: () => ({ principal: 'ann', claims: {}, expiresAt: new Date() }),
  })
  expect([open, asking].map(({ websocket }) => applicationOf(websocket)?.authorizes)).toEqual([false, true])
})

test('a value that createLambdaHandlers did not make has no application', () => {
  expect([undefined, null, {}, () => {}].map(applicationOf)).toEqual([undefined, undefined, undefined, undefined])
})
