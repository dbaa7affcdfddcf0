import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from './router.ts'

const { url } = await (await fetch('/line.json')).json()
const client = createClient<AppRouter>({ connection: createConnection({ url, token: () => 'ann' }) })
client.onMessage.subscribe({ room: '7' }, { onData: ({ data }) => document.body.append(`${data.text}\n`) })
await client.post.mutate({ room: '7', text: decodeURIComponent(location.hash.slice(1)) || 'hi' })
