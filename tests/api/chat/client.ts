// A page of the chat: its calls to the client, with links of other packages.
import { createTRPCClient, httpBatchLink, loggerLink, splitLink } from '@trpc/client'
import { callContext, createClient, createConnection, trunklineError, trunklineLink } from '@trunkline/client'
import type { AppRouter } from './router.ts'
import type { Message } from './schemas.ts'

const connection = createConnection({ url: 'wss://chat.example', token: () => 'ann', onGap: () => location.reload() })
declare const location: { reload(): void }
export const client = createClient<AppRouter>({ connection })
export const split = createTRPCClient<AppRouter>({
  links: [
    loggerLink(),
    splitLink({
      condition: (op) => op.type === 'subscription',
      true: trunklineLink({ connection }),
      false: httpBatchLink({ url: '/trpc' }),
    }),
  ],
})

type LiveEvent = Parameters<NonNullable<Parameters<typeof client.messages.live.subscribe>[1]['onData']>>[0]['data']
export function reduce(list: readonly Message[], event: LiveEvent): readonly Message[] {
  switch (event.type) {
    case 'page':
      return event.messages
    case 'posted':
      return [...list.filter((m) => m.id !== event.message.id), event.message]
    case 'edited':
      return list.map((m) => (m.id === event.id ? { ...m, text: event.text } : m))
    case 'removed':
      return list.filter((m) => m.id !== event.id)
  }
}

export async function visit() {
  const name = await client.connection.query()
  name satisfies 'a procedure may be called connection'
  client.bot.ask.subscribe(
    { prompt: 'why' },
    { onData: (token) => void (token satisfies string), onGap: () => {}, onComplete: () => {} },
  )
  client.messages.filtered.subscribe({ room: 'x' }, { onData: ({ data }) => void (data satisfies Message) })
  client.room.onTyping.subscribe({ room: 'x' }, { onData: ({ author }) => void (author satisfies string) })
  client.room.here.subscribe(
    { room: 'x' },
    {
      onData: ({ data }) => {
        if (data.type === 'here') data.members[0]?.data.away satisfies boolean | undefined
        else if (data.type !== 'leave') data.data.name satisfies string
      },
    },
  )
  await client.room.away.mutate({ room: 'x' })
  const draft = { room: 'x', id: crypto.randomUUID(), text: 'hi' }
  await client.messages.post
    .mutate(draft, {
      orderingKey: 'x',
      idempotencyKey: 'draft-1',
      timeoutMs: 5_000,
      signal: AbortSignal.timeout(9_000),
    })
    .catch((error: unknown) =>
      console.error(trunklineError(error)?.code === 'OUTCOME_UNKNOWN' ? 'It may have been sent.' : error),
    )
  await split.messages.post.mutate(draft, { context: callContext({ orderingKey: 'x' }) })
  await client.later.older.query({ room: 'x' })
}
