import { MutationObserver, QueryClient, QueryClientProvider, useSuspenseQuery } from '@tanstack/react-query'
import { initTRPC } from '@trpc/server'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { createElement, Suspense } from 'react'
import { renderToReadableStream } from 'react-dom/server.edge'
import { expect, test, vi } from 'vitest'
import * as z from 'zod'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('tanstack', { key, event: z.object({ text: z.string() }), retention: '1h' })
const t = initTRPC.create()
const router = t.router({
  list: t.procedure.input(key).query(async ({ input }) => {
    const { events } = await messages.read(input)
    return events.map(({ data }) => data.text)
  }),
  /** A page of the log, then the events after it. */
  timeline: t.procedure
    .input(key)
    .subscription(({ input }) =>
      messages
        .subscribe(input)
        .startWith(async () => ({ type: 'page' as const, ...(await messages.read(input, { limit: 50 })) })),
    ),
  post: t.procedure.input(key.extend({ text: z.string() })).mutation(({ input: { room, text } }) => {
    if (text === 'no') throw new Error('refused')
    return messages.publish({ room }, { text })
  }),
})

const room = { room: 'x' }

test('TanStack Query works over Trunkline: queries, and an optimistic mutation that is rolled back', async () => {
  await using local = await startLocalLine({ router, line, onError: () => {} })
  const queryClient = new QueryClient({ defaultOptions: { mutations: { retry: false } } })
  const trpc = createTRPCOptionsProxy<typeof router>({ client: local.connect().client, queryClient })
  expect(await queryClient.fetchQuery(trpc.list.queryOptions(room))).toEqual([])

  const queryKey = trpc.list.queryKey(room)
  const shown = () => queryClient.getQueryData(queryKey)
  const seen: unknown[] = []
  const post = new MutationObserver(
    queryClient,
    trpc.post.mutationOptions({
      onMutate: ({ text }) => {
        const before = shown()
        queryClient.setQueryData(queryKey, (texts = []) => [...texts, text])
        seen.push(shown())
        return { before }
      },
      onError: (_, __, given) => queryClient.setQueryData(queryKey, given?.before),
      onSettled: () => queryClient.invalidateQueries({ queryKey }),
    }),
  )
  await post.mutate({ ...room, text: 'hi' })
  await expect(post.mutate({ ...room, text: 'no' })).rejects.toThrow('refused')
  expect(seen).toEqual([['hi'], ['hi', 'no']])
  expect(shown()).toEqual(['hi'])
  expect(await queryClient.fetchQuery({ ...trpc.list.queryOptions(room), staleTime: 0 })).toEqual(['hi'])
})

interface Logged {
  readonly id: string
  readonly data: { readonly text: string }
}

test('a snapshot and the events after it are merged into the cache once each, and a gap loads the next page', async () => {
  await using local = await startLocalLine({ router, line })
  const queryClient = new QueryClient()
  const queryKey = ['timeline', room.room]
  const texts = () => queryClient.getQueryData<readonly Logged[]>(queryKey)?.map(({ data }) => data.text)
  const shows = (expected: readonly string[]) => vi.waitFor(() => expect(texts()).toEqual(expected), 15_000)
  const publish = (text: string) => local.run(() => messages.publish(room, { text }))
  await publish('one')
  await publish('two')
  const { client, connection } = local.connect()
  client.timeline.subscribe(room, {
    onData: ({ id, data }) =>
      queryClient.setQueryData<readonly Logged[]>(queryKey, (known = []) => {
        if ('type' in data) return data.events
        return known.some((event) => event.id === id) ? known : [...known, { id, data }]
      }),
  })
  await shows(['one', 'two'])
  await publish('three')
  await shows(['one', 'two', 'three'])
  {
    using _away = local.faults.on('connect', 'fail')
    local.faults.cut(connection)
    await publish('lost')
    await local.clock.advance('2h') // longer than the log keeps it
    await publish('late')
  }
  await local.clock.advance('1m')
  await shows(['late'])
})

test('useSuspenseQuery waits for the answer and renders with it', async () => {
  await using local = await startLocalLine({ router, line })
  await local.run(() => messages.publish(room, { text: 'read by a component' }))
  const queryClient = new QueryClient()
  const trpc = createTRPCOptionsProxy<typeof router>({ client: local.connect().client, queryClient })
  const Texts = () => createElement('p', {}, useSuspenseQuery(trpc.list.queryOptions(room)).data.join())
  const page = createElement(Suspense, { fallback: 'waiting' }, createElement(Texts))
  const stream = await renderToReadableStream(createElement(QueryClientProvider, { client: queryClient }, page))
  await stream.allReady
  expect(await new Response(stream).text()).toContain('<p>read by a component</p>')
})
