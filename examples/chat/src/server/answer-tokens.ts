const pauseMs = 60 // about how fast a model writes

/**
 * The words of an answer, as they are thought of. Here they come from a few sentences of this file, the same for the same question: put the
 * stream of your model here, and nothing else of this example changes. It ends early when `signal` aborts.
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
    'Because a push is only a hint. What was said stands in the log of its room, and whoever missed a push asks the log for it; so a lost one costs a moment and never a message.',
  ],
  [
    /^how\b/i,
    'One step after another: the page sends a frame, a function runs it and is gone, the table remembers, and its stream tells everyone who listens.',
  ],
  [/^(when|how long)\b/i, 'Messages are kept for seven days. After that a room begins anew, and says so.'],
  [/^who\b/i, 'I am the bot of this room. I know a few sentences by heart, and wait to be replaced by a model.'],
]
const otherwise =
  'I only know a few sentences by heart. Ask me why, how, when or who, or put a model in the place where I think.'

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
