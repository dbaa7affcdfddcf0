import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from '../../src/server/router.ts'
import { requestToken } from '../../src/sign-in/requests.ts'
import { messagesOf, reduceTimeline, type Timeline } from '../../src/web/timeline.ts'

/** A page's question to this worker. The answer goes to the port that comes with it. */
export type Question = { readonly type: 'post'; readonly text: string } | { readonly type: 'received' }

const room = { room: 'worker' }
const query = new URL(location.href).searchParams
const url = query.get('line') ?? ''
const token = () => requestToken(query.get('issuer') ?? '', 'ann')
const client = createClient<AppRouter>({ connection: createConnection({ url, token }) })
let timeline: Timeline | undefined
client.messages.live.subscribe(room, {
  onData: (received) => (timeline = reduceTimeline(timeline, { type: 'received', received })),
})

addEventListener('message', async ({ data, ports: [port] }: MessageEvent<Question>) => {
  if (data.type === 'received')
    return port?.postMessage(timeline === undefined ? [] : messagesOf(timeline).map(({ message }) => message.text))
  const { author } = await client.messages.post.mutate({ ...room, id: crypto.randomUUID(), text: data.text })
  port?.postMessage(author)
})
