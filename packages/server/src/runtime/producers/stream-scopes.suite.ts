import { afterAll, describe, test, vi } from 'vitest'
import type { OnLost } from '../../define/stream-rules.ts'
import { type StreamScope, searchOf } from './law-streams.suite.ts'
import { type Searched, search } from './stream-search.suite.ts'

/** How many states each scope may enter. A long run sets more, and has more chunks in scopes A and E. */
const longStates = Number(process.env['TRUNKLINE_STREAM_STATES'] ?? 0)
const mostStates = longStates || 12_000

const rows: string[] = []

/** Prints what the searches of this file have reached. */
export function printSearches(): void {
  vi.setConfig({ testTimeout: 3_600_000 }) // a long run
  afterAll(() => {
    const title = '[LAW-STREAM]: states, logs that differ, steps of production code'
    console.log(`\n${[title, ...rows].join('\n')}`)
  })
}

export function print({ states, logs, runs }: Searched, what: string): void {
  const count = (number: number) => number.toLocaleString('en').padStart(11)
  rows.push(`${count(states)}${count(logs)}${count(runs)}  ${what}`)
}

type Of = Omit<StreamScope, 'onLost' | 'chunks'>

const scopes: readonly { readonly name: string; readonly of: Of; readonly longChunks: number }[] = [
  {
    name: 'A: two starts, two workers, a stop, a slot without a state, a hand-over and a lost answer',
    of: { starts: 2, workers: 2, stops: true, birth: true, handsOver: true, losses: 1 },
    longChunks: 3,
  },
  {
    name: 'B: three workers, a stop and a lost answer',
    of: { workers: 3, stops: true, losses: 1 },
    longChunks: 2,
  },
  {
    name: 'C: two workers, a stop, a reader from the beginning, one that reads by chunk, and a lost answer',
    of: { workers: 2, stops: true, readers: true, losses: 1 },
    longChunks: 2,
  },
  {
    name: 'D: two starts, two workers, a stop, the end of the retention and a start after it',
    of: { starts: 2, workers: 2, stops: true, passes: true },
    longChunks: 2,
  },
  {
    name: 'E: two workers that look at the log, a stop, a hand-over and two lost answers',
    of: { workers: 2, stops: true, handsOver: true, losses: 2, looks: 1 },
    longChunks: 4,
  },
]

/** The scopes A to E under a policy. */
export function describeScopes(onLost: OnLost): void {
  describe(`[LAW-STREAM] [LAW-STREAM-SETTLE] onLost: ${onLost}`, () => {
    test.each(scopes)('$name', async ({ name, of, longChunks }) => {
      const chunks = longStates > 0 && !(onLost === 'restart' && longChunks === 3) ? longChunks : 2
      // A search that is cut goes on from a random state; one that may be complete from the last one, which is faster.
      const spreads = longStates === 0
      const searched = await search(searchOf({ onLost, chunks, ...of, mostStates, spreads }))
      const bound = searched.isCut ? `cut at ${mostStates.toLocaleString('en')}` : 'complete'
      print(searched, `${onLost}, ${chunks} chunks, ${bound}, ${name}`)
      const { failure } = searched
      if (failure !== undefined) throw new Error(`${failure.flaw}\n${failure.steps.join('\n')}`)
    })
  })
}
