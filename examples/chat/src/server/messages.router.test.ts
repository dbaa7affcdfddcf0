import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { authorizeOfEnvironment, createContext } from './auth.ts'
import { line, messages } from './channels.ts'
import { type AppRouter, appRouter } from './router.ts'

const room = { room: 'large' }
const posts = 30

let local: LocalLine<AppRouter>
beforeAll(async () => {
  local = await startLocalLine({ router: appRouter, line, authorize: authorizeOfEnvironment({}), createContext })
  await local.run(async () => {
    for (let n = 0; n < posts; n++) {
      const message = { id: crypto.randomUUID(), author: 'ann', text: `${n} ${'ö'.repeat(3_900)}`, at: n }
      await messages.publish(room, { type: 'posted', message })
    }
  })
}, 60_000)
afterAll(() => local[Symbol.asyncDispose]())

/** Reads the room's first page and all older pages, and returns the numbers of the messages. */
async function readAll(client: ReturnType<typeof createTRPCClient<AppRouter>>) {
  const page = await new Promise<Page>((resolve, reject) => {
    const live = client.messages.live.subscribe(room, {
      onData: ({ data }) => {
        live.unsubscribe()
        if (data.type === 'page') resolve(data)
        else reject(new Error('Expected a page first.'))
      },
      onError: reject,
    })
  })
  const numbers: number[] = []
  for (let shown: Page = page; ; ) {
    numbers.unshift(...shown.events.map(({ data }) => (data.type === 'posted' ? data.message.at : -1)))
    if (shown.older === null) return { page, numbers }
    shown = await client.messages.older.query({ ...room, before: shown.older })
  }
}

type Page = Awaited<ReturnType<typeof messages.read>>

it('a stock client can read a room whose newest messages are too large for one message', async () => {
  const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never })
  const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: wsClient })] })
  const { page, numbers } = await readAll(client)
  expect(page.events.length).toBeGreaterThan(5)
  expect(numbers).toEqual(Array.from({ length: posts }, (_, n) => n))
  await wsClient.close()
})
