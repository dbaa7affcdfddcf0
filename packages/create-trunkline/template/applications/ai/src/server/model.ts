import { setTimeout as pause } from 'node:timers/promises'

const wordMs = 60 // about how fast a model writes

/**
 * Answers a question word by word. This model knows a few sentences and needs no key and no network. In its place,
 * yield the text of yours: with the AI SDK, `yield* streamText({ model, prompt, abortSignal: signal }).textStream`. It
 * ends early when `signal` aborts.
 */
export async function* answer(question: string, signal: AbortSignal): AsyncGenerator<string> {
  for (const word of sentencesOn(question).split(/(?<=\s)/)) {
    if (signal.aborted) return
    yield word
    await pause(wordMs, undefined, { signal }).catch(() => {}) // it was stopped: the loop ends
  }
}

function sentencesOn(question: string): string {
  const [, count] = /count to (\d{1,3})\b/i.exec(question) ?? []
  if (count !== undefined) return Array.from({ length: Number(count) }, (_, index) => index + 1).join(' ')
  if (/^why\b/i.test(question))
    return (
      'Because an answer is a log of its own. A function writes it, and each page reads it from its first word. So a ' +
      'reload loses nothing, another tab shows the same words, and a closed tab stops nothing.'
    )
  return (
    `You asked: “${question}” I am a small model with a few sentences. Reload this page while I write, open it in a ` +
    'second tab, or press Stop there: the answer ends for everybody.'
  )
}
