const pauseMs = 60 // about how fast a model writes

/**
 * Yields the words of an answer. This example takes them from a few fixed sentences. Use the stream of your model here;
 * the rest of the example stays the same. It ends early when `signal` aborts.
 */
export async function* answerTokens(prompt: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for (const word of answerTo(prompt).split(/(?<=\s)/)) {
    await pause(pauseMs, signal)
    if (signal?.aborted) return
    yield word
  }
}

const answers: readonly (readonly [asks: RegExp, answer: string])[] = [
  [
    /^why\b/i,
    'Because a push is only a hint. The log of the room has every message, and a client that missed a push reads ' +
      'the log. A lost push costs a moment and never a message.',
  ],
  [
    /^how\b/i,
    'In four steps: the page sends a frame, a function runs it and ends, the table stores the message, and the ' +
      'table’s stream pushes it to all subscribers.',
  ],
  [/^(when|how long)\b/i, 'Messages are kept for seven days. After that, a room starts again and reports a gap.'],
  [/^who\b/i, 'I am the bot of this room. I know only a few fixed sentences. You can replace me with a model.'],
]
const otherwise =
  'I know only a few fixed sentences. Ask me why, how, when or who, or connect a model in answer-tokens.ts.'

function answerTo(prompt: string): string {
  return answers.find(([asks]) => asks.test(prompt))?.[1] ?? otherwise
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    signal?.addEventListener('abort', end, { once: true })
  })
}
