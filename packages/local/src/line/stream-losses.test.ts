import { EventEmitter, once } from 'node:events'
import { initTRPC } from '@trpc/server'
import { trunklineError } from '@trunkline/client'
import { createLine, type OnLost } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const words = ['The ', 'sky ', 'is ', 'blue.']
const key = z.object({ chat: z.string() })

/** A line with one stream, whose model says one word at each step. Its prompts are recorded. */
function createAnswers(onLost: OnLost) {
  const line = createLine()
  const steps = new EventEmitter()
  const prompts: string[] = []
  /** Continues a text that it is given, as some models do. */
  async function* model(prompt: string, { before, signal }: { readonly before: string; readonly signal: AbortSignal }) {
    prompts.push(`${prompt} ${before}`)
    for (const [index, word] of words.entries()) {
      if (words.slice(0, index + 1).join('').length <= before.length) continue
      yield word
      await once(steps, 'step', { signal })
    }
  }
  const answers = line.stream('answers', {
    key,
    input: z.object({ prompt: z.string() }),
    chunk: z.object({ text: z.string() }),
    onLost,
    batch: { ms: 0 },
    async *produce({ key: chat, input, produced, signal }): AsyncGenerator<{ text: string }> {
      let before = ''
      for (let after: string | undefined; produced > 0; ) {
        const page = await answers.read(chat, { limit: 1, ...(after && { after }) })
        before += page.chunks.map(({ data }) => data.text).join('')
        if (page.next === null) break
        after = page.next
      }
      for await (const text of model(input.prompt, { before, signal })) yield { text }
    },
  })
  const t = initTRPC.create()
  const router = t.router({
    ask: t.procedure
      .input(key.extend({ prompt: z.string() }))
      .mutation(({ input: { prompt, ...chat } }) => answers.start(chat, { prompt })),
    watch: t.procedure.input(key).subscription(({ input }) => answers.subscribe(input)),
  })
  return { line, router, answers, prompts, step: () => steps.emit('step') }
}

type Answers = ReturnType<typeof createAnswers>

/** Starts the answer, watches it, and waits for its first two words. */
async function answering(local: LocalLine<Answers['router']>, made: Answers) {
  const { client } = local.connect()
  const seen: string[] = []
  const news = new EventEmitter()
  const see = (text: string) => {
    seen.push(text)
    news.emit('news')
  }
  const until = async (count: number) => {
    for (; seen.length < count; ) await once(news, 'news')
  }
  await client.ask.mutate({ chat: '1', prompt: 'Why?' })
  client.watch.subscribe(
    { chat: '1' },
    {
      onData: ({ data }) => see(data.text),
      onGap: ({ reason }) => see(`gap ${reason}`),
      onOutcome: see,
      onError: (error) => see(`error ${trunklineError(error)?.code}`),
    },
  )
  await until(1)
  made.step()
  await until(2)
  return { seen, until }
}

describe('a stream whose function dies in the middle of an answer', () => {
  const die = async (local: LocalLine<Answers['router']>) => {
    local.faults.kill('worker')
    await local.clock.advance('2m')
  }
  test('under close it ends with STREAM_LOST, and nothing is produced again', async () => {
    const made = createAnswers('close')
    await using local = await startLocalLine({ line: made.line, router: made.router, onError: () => {} })
    const reader = await answering(local, made)
    await die(local)
    await reader.until(3)
    expect(reader.seen).toEqual(['The ', 'sky ', 'error STREAM_LOST'])
    expect(made.prompts).toEqual(['Why? '])
  })
  test('under restart readers get a gap, and the answer from its first word', async () => {
    const made = createAnswers('restart')
    await using local = await startLocalLine({ line: made.line, router: made.router, onError: () => {} })
    const reader = await answering(local, made)
    await die(local)
    await reader.until(4)
    expect(reader.seen).toEqual(['The ', 'sky ', 'gap restarted', 'The '])
    expect(made.prompts).toEqual(['Why? ', 'Why? '])
  })
  test('under continue the model gets the text so far, and readers get what follows it', async () => {
    const made = createAnswers('continue')
    await using local = await startLocalLine({ line: made.line, router: made.router, onError: () => {} })
    const reader = await answering(local, made)
    await die(local)
    await reader.until(3)
    made.step()
    await reader.until(4)
    made.step()
    await reader.until(5)
    expect(reader.seen).toEqual(['The ', 'sky ', 'is ', 'blue.', 'done'])
    expect(made.prompts).toEqual(['Why? ', 'Why? The sky '])
  })
})
