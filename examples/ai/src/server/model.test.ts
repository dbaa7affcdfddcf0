import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import { beforeEach, expect, it, vi } from 'vitest'
import { answer } from './model.ts'

vi.mock('node:timers/promises', () => ({
  setTimeout: async (_ms: number, _value: undefined, { signal }: { signal: AbortSignal }) => signal.throwIfAborted(),
}))

/** The message that the AI SDK makes of an answer. */
async function messageOf(chunks: AsyncIterable<UIMessageChunk>): Promise<UIMessage | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    async start(controller) {
      for await (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  let message: UIMessage | undefined
  for await (const next of readUIMessageStream({ stream })) message = next
  return message
}

let stop: AbortController
beforeEach(() => {
  stop = new AbortController()
})

it('answers with one complete text', async () => {
  const message = await messageOf(answer('Why does it?', stop.signal))
  expect(message?.parts).toEqual([
    { type: 'step-start' },
    { type: 'text', text: expect.stringMatching(/^Because .+ stops nothing\.$/), state: 'done' },
  ])
})

it('uses its tool for the weather, and puts the result into words', async () => {
  const message = await messageOf(answer('What is the weather in Paris?', stop.signal))
  expect(message?.parts).toMatchObject([
    { type: 'step-start' },
    { type: 'tool-weather', state: 'output-available', input: { city: 'Paris' }, output: { degrees: 17 } },
    { type: 'step-start' },
    { type: 'text', text: expect.stringMatching(/^It is 17 °C in Paris/) },
  ])
})

it('ends without an error when it is stopped', async () => {
  const words: string[] = []
  for await (const chunk of answer('Why?', stop.signal)) {
    if (chunk.type !== 'text-delta') continue
    words.push(chunk.delta)
    if (words.length === 2) stop.abort()
  }
  expect(words).toEqual(['Because ', 'the '])
})
