import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createClient, createConnection } from '@trunkline/client'
import { defined } from '@trunkline/protocol'
import { createLine } from '@trunkline/server'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const chat = line.channel('chat', { key, event: z.string() })

function routerWith(transformer: typeof superjson | undefined) {
  const t = initTRPC.create(defined({ transformer }))
  return t.router({
    ask: t.procedure.input(key).query(({ input: { room } }) => room),
    bare: t.procedure.query(() => 'x'),
    live: t.procedure.input(key).subscription(({ input }) => chat.subscribe(input)),
  })
}

describe('a data transformer on one side only', () => {
  for (const there of [true, false])
    test(`of the ${there ? 'router' : 'client'} is reported in words to our client, and to tRPC’s own client if it can read it`, async () => {
      const router = routerWith(there ? superjson : undefined)
      await using local = await startLocalLine({ router, line, onError: () => {} })
      const own = there ? {} : { transformer: superjson }
      const connection = createConnection({ url: local.url, WebSocket })
      const client = createClient<typeof router>({ connection, ...own } as never)
      const words = there ? /Only the router has a data transformer/ : /Only this client has a data transformer/
      await expect(client.bare.query()).rejects.toThrow(words)
      await expect(client.ask.query({ room: 'x' })).rejects.toThrow(words)
      const failed = await new Promise((onError) => client.live.subscribe({ room: 'x' }, { onError }))
      expect(failed).toMatchObject({ message: expect.stringMatching(words) })
      await connection.close()
      if (!there) return // tRPC's own client throws in its socket's handler for data that its transformer cannot read
      const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never })
      const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient } as never)] })
      await expect(stock.ask.query({ room: 'x' })).rejects.toThrow('did not go through it')
      await wsClient.close()
    })
})
