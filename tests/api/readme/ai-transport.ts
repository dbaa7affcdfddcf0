import { createClient, createConnection } from '@trunkline/client'
import { createChatTransport } from '@trunkline/client/ai'
import type { AppRouter } from './ai-router.ts'

const client = createClient<AppRouter>({ connection: createConnection({ url: 'wss://example.com' }) })

export const transport = createChatTransport({
  watch: client.watch,
  start({ chatId, messages }) {
    const [part] = messages.at(-1)?.parts ?? []
    const text = part?.type === 'text' ? part.text : ''
    return client.ask.mutate({ chat: chatId, id: messages.at(-1)?.id ?? '', text })
  },
  resume: ({ chatId }) => client.newest.query({ chat: chatId }), // the key of the stream, or null
  stop: (key) => client.stop.mutate(key),
})
