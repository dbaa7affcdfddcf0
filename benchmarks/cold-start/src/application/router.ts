import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'

export const line = createLine()
const room = z.object({ room: z.string().min(1).max(64) })
const message = z.object({ author: z.string(), text: z.string().max(4_000) })
export const messages = line.channel('cold.messages', { key: room, event: message, retention: '1d' })

const t = initTRPC.create()

/** A router with a call, a publish and a subscription. Both contestants serve it. */
export const router = t.router({
  greet: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => `hello ${input.name}`),
  post: t.procedure
    .input(room.extend(message.shape))
    .mutation(({ input: { room, ...event } }) => messages.publish({ room }, event)),
  live: t.procedure.input(room).subscription(({ input }) => messages.subscribe(input, { replay: 50 })),
})
