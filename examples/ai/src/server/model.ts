import { setTimeout as pause } from 'node:timers/promises'
import type { UIMessageChunk } from 'ai'

const wordMs = 60 // about how fast a model writes
const toolMs = 1_200

/**
 * Answers a question as a model with one tool does. It knows a few sentences and needs no network. In its place, return
 * `streamText({ model, prompt, tools, abortSignal: signal }).toUIMessageStream()` of the AI SDK. It ends early when
 * `signal` aborts.
 */
export async function* answer(question: string, signal: AbortSignal): AsyncGenerator<UIMessageChunk> {
  try {
    const [, city] = /weather in (\p{L}+)/iu.exec(question) ?? []
    if (city !== undefined) yield* lookUpWeather(city, signal)
    yield* say(city === undefined ? sentencesOn(question) : weatherWords(city), signal)
    yield { type: 'finish', finishReason: 'stop' }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function* lookUpWeather(city: string, signal: AbortSignal): AsyncGenerator<UIMessageChunk> {
  const call = { toolCallId: `weather-${city}`, toolName: 'weather' }
  yield { type: 'start-step' }
  yield { type: 'tool-input-start', ...call }
  yield { type: 'tool-input-available', ...call, input: { city } }
  await pause(toolMs, undefined, { signal })
  yield { type: 'tool-output-available', toolCallId: call.toolCallId, output: { degrees: degreesIn(city) } }
  yield { type: 'finish-step' }
}

async function* say(text: string, signal: AbortSignal): AsyncGenerator<UIMessageChunk> {
  yield { type: 'start-step' }
  yield { type: 'text-start', id: 'text' }
  for (const delta of text.split(/(?<=\s)/)) {
    await pause(wordMs, undefined, { signal })
    yield { type: 'text-delta', id: 'text', delta }
  }
  yield { type: 'text-end', id: 'text' }
  yield { type: 'finish-step' }
}

const degreesIn = (city: string): number => 12 + (city.length % 9)
const weatherWords = (city: string): string =>
  `It is ${degreesIn(city)} °C in ${city}, says the tool. The tool ran in the function that writes this answer.`

function sentencesOn(question: string): string {
  if (/^why\b/i.test(question))
    return (
      'Because the answer is a stream of its own. A function writes it into a log, and each page reads the log from ' +
      'its first word. So a reload loses nothing, another device shows the same, and a closed tab stops nothing.'
    )
  return (
    'I am a fake model with a few fixed sentences. Ask me why an answer survives a reload, or for the weather in ' +
    'Paris, which uses a tool. Reload this page while I write, or open it in a second tab.'
  )
}
