import { initTRPC } from '@trpc/server'
import { awsLambdaRequestHandler } from '@trpc/server/adapters/aws-lambda'
import * as z from 'zod'

const t = initTRPC.create()
const room = z.object({ room: z.string().min(1).max(64) })
const message = z.object({ author: z.string(), text: z.string().max(4_000) })

/** The same procedures without Trunkline, to measure the cost of a router alone. */
const router = t.router({
  greet: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => `hello ${input.name}`),
  post: t.procedure.input(room.extend(message.shape)).mutation(({ input }) => input.text.length),
  live: t.procedure.input(room).query(({ input }) => input.room),
})

export const handler = awsLambdaRequestHandler({ router })
