import { EventEmitter, once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { trunklineError } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ chat: z.string() })
/** What the producers wait for before their next chunk: the name of the chat. */
const steps = new EventEmitter()
const answers = line.stream('answers', {
  key,
  input: z.object({ words: z.array(z.string()) }),
  chunk: z.object({ text: z.string() }),
  async *produce({ key: { chat }, input, signal }) {
    for (const text of input.words) {
      yield { text }
      await once(steps, chat, { signal })
      if (text === 'fail') throw new Error('The model refused.')
    }
  },
})
const t = initTRPC.create()
const router = t.router({
  ask: t.procedure
    .input(key.extend({ words: z.array(z.string()) }))
    .mutation(({ input: { words, ...chat } }) => answers.start(chat, { words })),
  watch: t.procedure.input(key).subscription(({ input }) => answers.subscribe(input)),
  stop: t.procedure.input(key).mutation(({ input }) => answers.stop(input)),
})

/** A reader's chunks, and how its subscription ended. */
function reading() {
  const seen: string[] = []
  const news = new EventEmitter()
  let ended = () => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  return {
    seen,
    end,
    until: async (count: number) => {
      for (; seen.length < count; ) await once(news, 'chunk')
    },
    callbacks: {
      onData: ({ data }: { readonly data: { readonly text: string } }) => {
        seen.push(data.text)
        news.emit('chunk')
      },
      onOutcome: (outcome: string) => void seen.push(`(${outcome})`),
      onError: (error: Error) => {
        seen.push(`(${trunklineError(error)?.code ?? error.message})`)
        ended()
      },
      onComplete: () => ended(),
    },
  }
}

test('a stream outlives its readers: two watch it, one reloads twice, and another session stops it', async () => {
  await using local = await startLocalLine({ router, line })
  const chat = { chat: 'one' }
  const [ann, bob] = [local.connect(), local.connect()]
  const [first, second] = [reading(), reading()]
  bob.client.watch.subscribe(chat, second.callbacks) // before it starts
  expect(await ann.client.ask.mutate({ ...chat, words: ['a', 'b', 'c', 'd'] })).toMatchObject({ state: 'waiting' })
  ann.client.watch.subscribe(chat, first.callbacks)
  await first.until(1)
  await ann.connection.close() // the page of the starter goes
  steps.emit('one')
  await second.until(2)
  for (const count of [2, 3]) {
    const again = local.connect()
    const reader = reading()
    again.client.watch.subscribe(chat, reader.callbacks)
    await reader.until(count)
    expect(reader.seen).toEqual(['a', 'b', 'c'].slice(0, count))
    await again.connection.close()
    if (count === 2) {
      steps.emit('one')
      await second.until(3)
    }
  }
  expect(await local.connect().client.stop.mutate(chat)).toEqual({ type: 'stopped' })
  await second.end
  expect(second.seen).toEqual(['a', 'b', 'c', '(stopped)'])
  const late = reading()
  local.connect().client.watch.subscribe(chat, late.callbacks)
  await late.end
  expect(late.seen).toEqual(['a', 'b', 'c', '(stopped)'])
})

test('a stream that fails is an error with its message for every reader, after its chunks', async () => {
  await using local = await startLocalLine({ router, line, onError: () => {} })
  const chat = { chat: 'two' }
  const { client } = local.connect()
  const reader = reading()
  client.watch.subscribe(chat, reader.callbacks)
  await client.ask.mutate({ ...chat, words: ['a', 'fail'] })
  await reader.until(1)
  steps.emit('two')
  await reader.until(2)
  steps.emit('two')
  await reader.end
  expect(reader.seen).toEqual(['a', 'fail', '(The model refused.)'])
})

test('a script starts a stream without a right to invoke, and a stock client reads it', async () => {
  await using local = await startLocalLine({ router, line })
  const chat = { chat: 'three' }
  const ws = createWSClient({ url: local.url, WebSocket: WebSocket as never })
  const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: ws })] })
  const reader = reading()
  stock.watch.subscribe(chat, reader.callbacks)
  await local.run(() => answers.start(chat, { words: ['a', 'b'] }))
  await reader.until(1)
  steps.emit('three')
  await reader.until(2)
  steps.emit('three')
  await reader.end
  expect(reader.seen).toEqual(['a', 'b'])
  expect(await local.run(() => answers.status(chat))).toEqual({ state: 'closed', chunks: 2, outcome: { type: 'done' } })
  await ws.close()
})
