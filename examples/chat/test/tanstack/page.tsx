import { QueryClient, QueryClientProvider, useMutation, useSuspenseQuery } from '@tanstack/react-query'
import { createTRPCOptionsProxy, useSubscription } from '@trpc/tanstack-react-query'
import { createClient, createConnection } from '@trunkline/client'
import { StrictMode, Suspense } from 'react'
import { createRoot } from 'react-dom/client'
import type { AppRouter } from '../../src/server/router.ts'
import { requestToken } from '../../src/sign-in/requests.ts'
import { lineAddress, readAddress } from '../../src/web/line-address.ts'

const room = { room: 'tanstack' }
const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } })
const token = async () => requestToken((await readAddress('issuer.json')) ?? '', 'ann')
const client = createClient<AppRouter>({ connection: createConnection({ url: lineAddress, token }) })
const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient })
const page = trpc.messages.older.queryOptions(room)

function Page() {
  return (
    <QueryClientProvider client={queryClient}>
      <Suspense fallback="Waiting for the line">
        <Said />
      </Suspense>
      <LatestText />
      <Field />
    </QueryClientProvider>
  )
}

/** Has its data, or is not rendered. */
function Said() {
  const { events } = useSuspenseQuery(page).data
  return (
    <ul>
      {events.map(({ id, data }) => (
        <li key={id}>{data.type === 'posted' && data.message.text}</li>
      ))}
    </ul>
  )
}

function LatestText() {
  const { status, data } = useSubscription(trpc.messages.live.subscriptionOptions(room))
  return <output>{data?.data.type === 'posted' ? data.data.message.text : status}</output>
}

/** Shows a posted message before its response, and removes it when the post is rejected. */
function Field() {
  const post = useMutation(
    trpc.messages.post.mutationOptions({
      async onMutate({ room: _, ...draft }) {
        await queryClient.cancelQueries(page) // an older response must not replace it
        const before = queryClient.getQueryData(page.queryKey)
        const event = { type: 'posted' as const, message: { ...draft, author: 'ann', at: Date.now() } }
        queryClient.setQueryData(
          page.queryKey,
          (held) => held && { ...held, events: [...held.events, { id: draft.id, data: event }] },
        )
        return { before }
      },
      onError: (_, __, context) => queryClient.setQueryData(page.queryKey, context?.before),
      onSuccess: () => queryClient.invalidateQueries(page),
    }),
  )
  const send = (form: FormData) => post.mutate({ ...room, id: crypto.randomUUID(), text: String(form.get('text')) })
  return (
    <form action={send}>
      <input name="text" aria-label="Text" />
      <p>{post.error?.data?.code ?? post.status}</p>
    </form>
  )
}

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
