// hover.test.ts checks what an editor shows for each name after `/*?*/`. Never run.
import { initTRPC } from '@trpc/server'
import { createClient, createConnection, iterate, trunklineError } from '@trunkline/client'
import { createLine, type LineMeta } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import * as z from 'zod'

const line = createLine()
const room = z.object({ room: z.string() })
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('posted'), text: z.string(), author: z.string() }),
  z.object({ type: z.literal('removed'), id: z.string() }),
])
type Posted = Extract<z.infer<typeof message>, { type: 'posted' }>
const /*?*/ messages = line.channel('messages', { key: room, event: message, retention: '7d' })
const /*?*/ typing = line.ephemeral('typing', { key: room, event: z.object({ author: z.string() }) })
const /*?*/ posted = messages
    .subscribe({ room: '7' }, { replay: 10 })
    .filter((event): event is Posted => event.type === 'posted')
const /*?*/ words = posted.map(({ text }) => text.split(' '))
const /*?*/ page = words.startWith(async () => ({ type: 'page' as const, count: 7 }))
const /*?*/ read = await messages.read({ room: '7' })
const /*?*/ published = await messages.publish({ room: '7' }, { type: 'removed', id: '1' })
const /*?*/ answers = line.stream('answers', {
    key: room,
    input: z.object({ prompt: z.string() }),
    chunk: z.object({ text: z.string() }),
    async *produce({ /*?*/ input }) {
      yield { text: input.prompt }
    },
  })
const /*?*/ chunks = answers.subscribe({ room: '7' }).map(({ text }) => text.length)
const /*?*/ started = await answers.start({ room: '7' }, { prompt: 'why' })

interface Context {
  readonly user: { readonly name: string } | null
}
const t = initTRPC.context<Context>().meta<LineMeta>().create()
const router = t.router({
  post: t.procedure
    .input(room.extend({ text: z.string() }))
    .mutation(({ input: { text, ...key }, /*?*/ ctx }) =>
      messages.publish(key, { type: 'posted', text, author: ctx.user?.name ?? '' }),
    ),
  count: t.procedure
    .input(room)
    .output(z.number())
    .query(() => 1),
  messages: t.router({
    live: t.procedure.input(room).subscription(({ input }) => messages.subscribe(input)),
    words: t.procedure.input(room).subscription(() => page),
    typing: t.procedure.input(room).subscription(({ input }) => typing.subscribe(input)),
    answer: t.procedure.input(room).subscription(({ input }) => answers.subscribe(input)),
  }),
})
export type AppRouter = typeof router
export const { /*?*/ websocket, authorizer } = createLambdaHandlers({
  router,
  line,
  authorize: ({ /*?*/ token }) => ({
    principal: token ?? 'nobody',
    claims: { name: token ?? '', admin: false },
    expiresAt: new Date(),
  }),
  createContext: ({ /*?*/ claims, /*?*/ principal }) => ({ user: { name: claims.name + principal } }),
})

const /*?*/ connection = createConnection({ url: 'wss://example.com' })
const /*?*/ client = createClient<AppRouter>({ connection })
const /*?*/ answer = await client.post./*?*/ mutate({ room: '7', text: 'hi' }, { orderingKey: 'room-7' })
const /*?*/ count = await client.count./*?*/ query({ room: '7' })
const /*?*/ subscription = client.messages.live./*?*/ subscribe(
    { room: '7' },
    {
      onData: ({ /*?*/ id, /*?*/ data }) => console.log(id, data),
      onGap: (/*?*/ gap) => console.log(gap),
      onError: (/*?*/ error) => console.log(/*?*/ trunklineError(error)?./*?*/ code),
    },
  )
client.messages.answer./*?*/ subscribe(
  { room: '7' },
  {
    onData: (/*?*/ chunk) => console.log(chunk./*?*/ data),
    onOutcome: (/*?*/ outcome) => console.log(outcome),
  },
)
for await (const /*?*/ event of iterate(client.messages.words, { room: '7' })) console.log(event.data)
for await (const /*?*/ typist of client.messages.typing.subscribe({ room: '7' })) console.log(typist.author)
console.log(answer, count, subscription, read, published, chunks, started, connection.state)
