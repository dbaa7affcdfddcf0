import { MutationObserver, QueryClient } from '@tanstack/react-query'
import { initTRPC } from '@trpc/server'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { expect, test } from 'vitest'
import * as z from 'zod'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('tanstack', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  list: t.procedure.input(key).query(async ({ input }) => {
    const { events } = await messages.read(input)
    return events.map(({ data }) => data.text)
  }),
  post: t.procedure.input(key.extend({ text: z.string() })).mutation(({ input: { room, text } }) => {
    if (text === 'no') throw new Error('refused')
    return messages.publish({ room }, { text })
  }),
})

const room = { room: 'x' }

test('TanStack Query works over the line: queries, an optimistic mutation that is taken back', async () => {
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
