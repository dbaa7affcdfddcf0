// One file over 200 lines: all tests share one local line.

import { initTRPC } from '@trpc/server'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { AbstractChat, type ChatState, type ChatTransport, type UIMessage, type UIMessageChunk } from 'ai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createChatTransport } from './ai.ts'
import { trunklineError } from './session/machine/trunkline-error.ts'
import { optionsOf } from './trpc/call-options.ts'

const line = createLine()
const patience = { timeout: 20_000 } // other suites run at the same time
const key = z.object({ chat: z.string(), question: z.string() })
const words = ['Each ', 'word ', 'comes ', 'once.']
/** How many words a producer may write, and what it does then. */
const model = { allowed: 0, fails: false }

const answers = line.stream('answers', {
  key,
  input: z.object({ prompt: z.string() }),
  chunk: z.custom<UIMessageChunk>(),
  batch: { ms: 1 },
  async *produce({ key: { question }, signal }): AsyncGenerator<UIMessageChunk> {
    yield { type: 'start', messageId: `answer to ${question}` }
    yield { type: 'text-start', id: 't' }
    for (const [n, delta] of words.entries()) {
      while (n >= model.allowed && !signal.aborted && !model.fails) await pause()
      if (signal.aborted) return
      if (model.fails) throw new Error('The model is overloaded')
      yield { type: 'text-delta', id: 't', delta }
    }
    yield { type: 'text-end', id: 't' }
    yield { type: 'finish' }
  },
})
const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
/** The question of each chat that was asked last. */
const asked = new Map<string, string>()

const t = initTRPC.create()
const router = t.router({
  ask: t.procedure.input(key.extend({ prompt: z.string() })).mutation(async ({ input: { prompt, ...at } }) => {
    asked.set(at.chat, at.question)
    await answers.start(at, { prompt })
    return at
  }),
  newest: t.procedure.input(key.pick({ chat: true })).query(({ input: { chat } }) => {
    const question = asked.get(chat)
    return question === undefined ? null : { chat, question }
  }),
  watch: t.procedure.input(key).subscription(({ input }) => answers.subscribe(input)),
  numbers: t.procedure.input(key).subscription(async function* () {
    yield { data: { type: 'number', value: 7 } }
  }),
  stop: t.procedure.input(key).mutation(({ input }) => answers.stop(input)),
  erase: t.procedure.input(key).mutation(({ input }) => answers.erase(input)),
})

let local: Awaited<ReturnType<typeof startLocalLine<typeof router>>>
beforeAll(async () => {
  local = await startLocalLine({ router, line })
})
afterAll(() => local.close())
beforeEach(() => {
  model.allowed = 0
  model.fails = false
})

class TestState implements ChatState<UIMessage> {
  status: ChatState<UIMessage>['status'] = 'ready'
  error: Error | undefined
  messages: UIMessage[] = []
  pushMessage = (message: UIMessage) => void this.messages.push(message)
  popMessage = () => void this.messages.pop()
  replaceMessage = (index: number, message: UIMessage) => {
    this.messages[index] = message
  }
  snapshot = <T>(thing: T): T => structuredClone(thing)
}
/** A chat of the AI SDK, as `useChat` makes it. */
class TestChat extends AbstractChat<UIMessage> {
  constructor(id: string, transport: ChatTransport<UIMessage>) {
    super({ id, transport, state: new TestState() })
  }
  text = () =>
    this.messages
      .at(-1)
      ?.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
      .join('|')
}

/** A page: a chat on a connection of its own. */
function openPage(chat: string) {
  const { client, connection } = local.connect()
  const stops: unknown[] = []
  const transport = createChatTransport({
    watch: client.watch,
    start: ({ chatId, messages }) => {
      const last = messages.at(-1)
      return client.ask.mutate({ chat: chatId, question: last?.id ?? '', prompt: JSON.stringify(last?.parts) })
    },
    resume: ({ chatId }) => client.newest.query({ chat: chatId }),
    stop: (at) => {
      stops.push(at)
      return client.stop.mutate(at)
    },
  })
  return { client, connection, stops, transport, chat: new TestChat(chat, transport) }
}
const statusOf = (chat: string) =>
  local.run(() => answers.status({ chat, question: asked.get(chat) ?? '' })) as Promise<unknown>

describe('a chat of the AI SDK', () => {
  it('shows the chunks of the stream that its message started', async () => {
    const { chat } = openPage('whole')
    model.allowed = words.length
    await chat.sendMessage({ text: 'why?' })
    expect(chat.status).toBe('ready')
    expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(chat.lastMessage?.id).toBe(`answer to ${chat.messages[0]?.id}`)
    expect(chat.text()).toBe('Each word comes once.')
  })

  it('shows the whole answer in a second chat that resumes it, each word once', async () => {
    const [ann, bob] = [openPage('second'), openPage('second')]
    model.allowed = 2
    const sent = ann.chat.sendMessage({ text: 'why?' })
    await expect.poll(() => ann.chat.text(), patience).toBe('Each word ')
    const resumed = bob.chat.resumeStream()
    await expect.poll(() => bob.chat.text(), patience).toBe('Each word ')
    model.allowed = words.length
    await Promise.all([sent, resumed])
    expect([ann.chat.text(), bob.chat.text()]).toEqual(['Each word comes once.', 'Each word comes once.'])
    expect(bob.chat.lastMessage?.id).toBe(ann.chat.lastMessage?.id)
  })

  it('resumes nothing if the chat has no answer', async () => {
    const { chat } = openPage('none')
    await chat.resumeStream()
    expect(chat.status).toBe('ready')
    expect(chat.messages).toEqual([])
  })

  it('stops the stream by its stop(), also for a chat that resumed it', async () => {
    const [ann, bob] = [openPage('stopped'), openPage('stopped')]
    model.allowed = 1
    const sent = ann.chat.sendMessage({ text: 'why?' })
    await expect.poll(() => ann.chat.text(), patience).toBe('Each ')
    const resumed = bob.chat.resumeStream()
    await expect.poll(() => bob.chat.text(), patience).toBe('Each ')
    await bob.chat.stop()
    await Promise.all([sent, resumed])
    expect([ann.chat.status, bob.chat.status]).toEqual(['ready', 'ready'])
    expect(bob.stops).toEqual([{ chat: 'stopped', question: ann.chat.messages[0]?.id }])
    await expect
      .poll(() => statusOf('stopped'), patience)
      .toMatchObject({ state: 'closed', outcome: { type: 'stopped' } })
  })

  it('does not stop the stream when it resumes twice, as React does in its strict mode', async () => {
    const { chat, stops } = openPage('strict')
    model.allowed = 1
    const other = openPage('strict')
    const sent = other.chat.sendMessage({ text: 'why?' })
    await expect.poll(() => other.chat.text(), patience).toBe('Each ')
    const twice = [chat.resumeStream(), chat.resumeStream()]
    await expect.poll(() => chat.text(), patience).toBe('Each ')
    twice.push(chat.resumeStream()) // while it shows the answer
    await new Promise((resolve) => setTimeout(resolve, 50))
    model.allowed = words.length
    await Promise.all([sent, ...twice])
    expect(stops).toEqual([])
    expect(chat.text()).toBe('Each word comes once.')
  })

  it('does not stop the stream when its page closes', async () => {
    const { chat, connection, stops } = openPage('closed')
    model.allowed = 1
    const sent = chat.sendMessage({ text: 'why?' })
    await expect.poll(() => chat.text(), patience).toBe('Each ')
    await connection.close()
    await sent
    expect(stops).toEqual([])
    expect(await statusOf('closed')).toMatchObject({ state: 'running' })
    model.allowed = words.length
  })

  it('has as its error what the producer threw', async () => {
    const { chat } = openPage('failed')
    model.fails = true
    await chat.sendMessage({ text: 'why?' })
    expect(chat.status).toBe('error')
    expect(chat.error?.message).toBe('The model is overloaded')
  })

  it('has the error STREAM_LOST if the function of the answer was lost', async () => {
    const { chat } = openPage('lost')
    model.allowed = 1
    const sent = chat.sendMessage({ text: 'why?' })
    await expect.poll(() => chat.text(), patience).toBe('Each ')
    local.faults.kill('worker')
    await local.clock.advance('2m') // Lambda tries again a minute later, and finds it
    await sent
    expect(chat.status).toBe('error')
    expect(trunklineError(chat.error)?.code).toBe('STREAM_LOST')
  })
})

describe('the transport', () => {
  const follow = async (stream: ReadableStream<UIMessageChunk> | null | undefined) => {
    const types: string[] = []
    for await (const { type } of stream ?? []) types.push(type)
    return types
  }
  it('ends a stopped stream with the chunk abort', async () => {
    const { transport, client } = openPage('abort')
    const at = { chat: 'abort', question: '1' }
    await client.ask.mutate({ ...at, prompt: 'why?' })
    const stream = await transport.reconnectToStream({ chatId: 'abort' })
    const seen = follow(stream)
    await client.stop.mutate(at)
    expect((await seen).at(-1)).toBe('abort')
  })

  it('does not stop the stream when its reader cancels', async () => {
    const { transport, client, stops } = openPage('cancel')
    await client.ask.mutate({ chat: 'cancel', question: '1', prompt: 'why?' })
    const stream = await transport.reconnectToStream({ chatId: 'cancel' })
    await stream?.cancel()
    expect(stops).toEqual([])
    expect(await statusOf('cancel')).toMatchObject({ state: expect.stringMatching(/waiting|running/) })
    model.allowed = words.length
  })

  it('stops a stream whose request was aborted while it was started', async () => {
    const { transport, stops } = openPage('early')
    const aborted = new AbortController()
    const messages = [{ id: '1', role: 'user' as const, parts: [] }]
    const sent = transport.sendMessages({
      trigger: 'submit-message',
      chatId: 'early',
      messageId: undefined,
      messages,
      abortSignal: aborted.signal,
    })
    aborted.abort()
    expect(await follow(await sent)).toEqual([])
    expect(stops).toEqual([{ chat: 'early', question: '1' }])
  })

  it('fails with the gap as cause when chunks do not continue those before, and reads on after an earlier gap', async () => {
    const subscriptions: { show: (type: 'start') => void; gap: (reason: 'restarted' | 'not-resumable') => void }[] = []
    const watch = {
      subscribe: (_: unknown, callbacks: { onData: (data: { data: { type: 'start' } }) => void; context?: object }) => {
        subscriptions.push({
          show: (type) => callbacks.onData({ data: { type } }),
          gap: (reason) =>
            optionsOf({ ...callbacks.context }).onGap?.({ path: 'watch', input: null, reason, lastEventId: null }),
        })
        return { unsubscribe: () => subscriptions.pop() }
      },
    }
    const other = createChatTransport({ watch, start: async () => 1, resume: async () => 1, stop: async () => {} })
    const stream = await other.reconnectToStream({ chatId: 'gap' })
    const [first] = subscriptions
    first?.gap('restarted')
    first?.show('start')
    const reader = stream?.getReader()
    expect(await reader?.read()).toEqual({ done: false, value: { type: 'start' } })
    first?.gap('restarted')
    await expect(reader?.read()).rejects.toMatchObject({
      message: 'The answer does not continue (restarted). Call resumeStream() to read it from its first chunk.',
      cause: { reason: 'restarted' },
    })
    expect(subscriptions).toEqual([])
  })

  it('reports a stop that failed', async () => {
    const { client } = openPage('unstoppable')
    const reported: unknown[] = []
    const transport = createChatTransport({
      watch: client.watch,
      start: async () => ({ chat: 'unstoppable', question: '1' }),
      resume: async () => null,
      stop: () => Promise.reject(new Error('refused')),
      onStopError: (error) => reported.push(error),
    })
    const aborted = AbortSignal.abort()
    const request = { chatId: 'unstoppable', messageId: undefined, messages: [], abortSignal: aborted }
    await transport.sendMessages({ trigger: 'submit-message', ...request })
    await expect.poll(() => reported, patience).toEqual([new Error('refused')])
  })

  it('accepts only the key of the stream and chunks of the AI SDK', () => {
    const { client } = openPage('types')
    const options = {
      watch: client.watch,
      start: async () => ({ chat: '1', question: '1' }),
      resume: async () => null,
      stop: client.stop.mutate,
    }
    createChatTransport(options)
    // @ts-expect-error the key lacks `question`
    createChatTransport({ ...options, start: async () => ({ chat: '1' }) })
    createChatTransport({
      ...options,
      // @ts-expect-error these are no chunks of the AI SDK
      watch: client.numbers,
    })
  })
})
