import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from './router.ts'

const connection = createConnection({ url: 'wss://example.com', token: () => 'ann' })
const client = createClient<AppRouter>({ connection })

const { id } = await client.post.mutate({ room: '7', text: 'hi' })
id satisfies string
const subscription = client.onMessage.subscribe(
  { room: '7' },
  {
    onData: ({ id, data }) => {
      id satisfies string
      data satisfies { author: string; text: string; at: number }
    },
    onGap: (gap) => {
      gap.reason satisfies string
    },
  },
)
subscription.unsubscribe()
connection.subscribe((state) =>
  console.log(
    state.status === 'reconnecting' ? `back in ${state.retryAt - Date.now()} ms: ${state.cause.message}` : state.status,
  ),
)
