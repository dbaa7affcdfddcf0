// The changes that a user of tRPC with ws makes. Server: the emitter becomes a channel, the adapter becomes handlers.
import { createTRPCClient } from '@trpc/client'
import { type Connection, createConnection, trunklineLink } from '@trunkline/client'
import type { AppRouter } from './readme/router.ts'

// - const wsClient = createWSClient({ url, connectionParams })
// - export const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: wsClient })] })
export const connect = (connection: Connection = createConnection({ url: 'wss://…' })) =>
  createTRPCClient<AppRouter>({ links: [trunklineLink({ connection })] })

export const watch = (client: ReturnType<typeof connect>, onText: (text: string) => void) =>
  client.onMessage.subscribe(
    { room: '7' },
    { onData: ({ data }) => onText(data.text), onError: (e) => console.error(e.data?.code) },
  )
