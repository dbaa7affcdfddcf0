import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import type { Telemetry } from '@trunkline/server/ports'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('limited', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input, { replay: 10 })),
})

test.each([
  ['the publisher itself by default', {}, 0],
  ['the function deliver with maxDirectAudience: 0', { maxDirectAudience: 0, maxConcurrentPosts: 1 }, 1],
] as const)('a local line posts to an audience of one by %s', async (_, limits, expected) => {
  const begun: string[] = []
  const telemetry: Telemetry = {
    kind: 'test',
    begin({ functionName }) {
      begun.push(functionName)
      return { measure: () => {}, log: () => {}, end: () => {} }
    },
  }
  await using local = await startLocalLine({ router, line, telemetry, ...limits })
  const { client } = local.connect()
  const seen = iterate(client.live, { room: 'a' })
  const first = seen.next()
  await local.idle()
  await client.post.mutate({ room: 'a', text: 'hi' })
  expect((await first).value).toMatchObject({ data: { text: 'hi' } })
  await local.idle()
  expect(begun.filter((name) => name === 'deliver')).toHaveLength(expected)
})

test('a local line refuses a limit that is out of its range', async () => {
  await expect(startLocalLine({ router, line, accountPostsPerSecond: 0 })).rejects.toThrow(
    'Expected accountPostsPerSecond to be a whole number of posts per second from 20 to 1000000, got 0.',
  )
})
