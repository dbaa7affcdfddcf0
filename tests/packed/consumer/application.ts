import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import * as z from 'zod'

export const line = createLine()
const words = line.channel('words', { key: z.object({ room: z.string() }), event: z.object({ text: z.string() }) })
const t = initTRPC.create()
export const router = t.router({
  say: t.procedure
    .input(words.key.extend({ text: z.string() }))
    .mutation(({ input: { text, ...key } }) => words.publish(key, { text })),
  hear: t.procedure.input(words.key).subscription(({ input }) => words.subscribe(input, { replay: 10 })),
})
export const read = (room: string) => words.read({ room })
export type AppRouter = typeof router
export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router, line })
