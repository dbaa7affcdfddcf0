import { initTRPC, TRPCError } from '@trpc/server'
import { anonymous, createLine, type LineMeta } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import superjson from 'superjson'
import * as z from 'zod'

// An application with everything that the inspector shows. Its exports are run in workers.

const line = createLine()
const key = z.object({ room: z.string() })
const said = z.object({ type: z.literal('said'), text: z.string().max(300) })
const left = z.object({ type: z.literal('left'), at: z.number().int() })
const messages = line.channel('room', { key, event: z.discriminatedUnion('type', [said, left]) })
line.ephemeral('typing', { key, event: z.object({ who: z.string() }) })
const vote = z.object({ by: z.string() })
line.channel('votes', { key, event: vote, partitions: 4, partitionBy: ({ by }) => by })
const here = line.presence('here', { key, data: z.object({ away: z.boolean() }) })
const answers = line.stream('answers', {
  key,
  input: z.object({ words: z.array(z.string()) }),
  chunk: z.object({ text: z.string() }),
  async *produce({ input }) {
    for (const text of input.words) yield { text }
  },
})
const t = initTRPC.meta<LineMeta>().context<{ principal: string | null }>().create({ transformer: superjson })
const router = t.router({
  whoami: t.procedure.query(({ ctx }) => ctx.principal),
  echo: t.procedure
    .input(z.object({ at: z.date(), count: z.number().int().min(1), note: z.string().optional() }))
    .query(({ input }) => {
      console.log('echo', input.count)
      return { ...input, isDate: input.at instanceof Date }
    }),
  nothing: t.procedure.mutation(() => {}),
  fail: t.procedure.mutation(() => {
    console.error('about to fail')
    throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such thing.' })
  }),
  slow: t.procedure.meta({ longRunning: true }).query(() => {
    throw new TRPCError({ code: 'CONFLICT', message: 'Late.' })
  }),
  room: t.router({
    post: t.procedure
      .input(key.extend({ text: z.string() }))
      .mutation(({ input: { room, text } }) => messages.publish({ room }, { type: 'said', text })),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 10 })),
    join: t.procedure
      .input(key)
      .subscription(({ input, ctx }) => here.join(input, { member: ctx.principal ?? '?', data: { away: false } })),
    ask: t.procedure.input(key).mutation(({ input }) => answers.start(input, { words: ['one', 'two'] })),
  }),
})
export type InspectedRouter = typeof router

const hour = 3_600_000

export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({
  router,
  line,
  authorize: async ({ token }) =>
    token === undefined
      ? anonymous
      : { principal: token, claims: { role: 'admin', apiKey: 'hush' }, expiresAt: new Date(Date.now() + hour) },
  createContext: ({ principal }) => ({ principal }),
})
