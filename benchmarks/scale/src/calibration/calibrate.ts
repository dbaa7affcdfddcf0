import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { runFanOut } from './fan-out.ts'
import { type LocalRun, type LocalTimes, type Outcome, predictLocal, toLocalTimes } from './local-line.ts'

/** The runs that are predicted. */
export const localRuns: readonly LocalRun[] = [
  {
    ...{ name: '20 events, ten a second, to 600 sockets at 300 posts a second', sockets: 600 },
    rush: { events: 20, everyMs: 100, postsPerSecond: 300 },
  },
  { name: 'one publish to 2,000 sockets', sockets: 2_000 },
  { name: 'one publish to 10,000 sockets', sockets: 10_000 },
]

/** The runs from which a machine's times are measured. None of them is predicted. */
const probes = [
  { name: 'probe of 1,000 sockets', sockets: 1_000 },
  { name: 'probe of 4,000 sockets', sockets: 4_000 },
] as const

/** The file that is committed before the runs. */
export interface Predictions {
  readonly machine: string
  readonly date: string
  readonly times: LocalTimes
  readonly predictions: readonly (Outcome & { readonly name: string })[]
}

/** How far a run may be from its prediction. */
export const tolerance = { seconds: 0.15, posts: 0.01 } as const

const path = () => join(process.cwd(), 'benchmarks/scale/predictions.json')
const say = (text: string) => process.stderr.write(`${text}\n`)

/** The predictions on a machine with these times. */
export function predictAll(times: LocalTimes): Predictions['predictions'] {
  return localRuns.map((run) => {
    const { seconds, posts } = predictLocal(run, times)
    return { name: run.name, seconds: Math.round(seconds * 100) / 100, posts }
  })
}

/** Measures this machine with small runs, and writes its predictions. */
export async function writePredictions(): Promise<Predictions> {
  const outcomes: (Outcome & LocalRun)[] = []
  for (const probe of probes) {
    say(probe.name)
    outcomes.push({ ...probe, ...(await runFanOut(probe)) })
  }
  const times = toLocalTimes(outcomes[0] as Outcome & LocalRun, outcomes[1] as Outcome & LocalRun)
  const [cpu] = cpus()
  const predictions: Predictions = {
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`,
    date: new Date().toISOString().slice(0, 10),
    ...{ times, predictions: predictAll(times) },
  }
  writeFileSync(path(), `${JSON.stringify(predictions, null, 2)}\n`)
  return predictions
}

/** The committed predictions. Throws if there are none. */
export function readPredictions(): Predictions {
  if (!existsSync(path())) throw new Error('Expected benchmarks/scale/predictions.json. Run with --predict first.')
  return JSON.parse(readFileSync(path(), 'utf8'))
}

/** Runs what was predicted. Returns both, as Markdown, and whether all are within the tolerance. */
export async function check(only?: string): Promise<{ readonly text: string; readonly isHeld: boolean }> {
  const { predictions, machine, date, times } = readPredictions()
  const lines: string[] = []
  let isHeld = true
  for (const run of localRuns.filter(({ name }) => only === undefined || name.includes(only))) {
    const predicted = predictions.find(({ name }) => name === run.name)
    if (predicted === undefined) throw new Error(`Expected a prediction of ${run.name}. Run with --predict first.`)
    say(run.name)
    const measured = await runFanOut(run)
    const [time, posts] = [measured.seconds / predicted.seconds - 1, measured.posts / predicted.posts - 1]
    const holds = Math.abs(time) <= tolerance.seconds && Math.abs(posts) <= tolerance.posts
    isHeld &&= holds
    const cells = [
      ...[predicted.seconds.toFixed(2), measured.seconds.toFixed(2), percent(time)],
      ...[predicted.posts, measured.posts, percent(posts), holds ? 'yes' : 'no'],
    ]
    lines.push(`| ${[run.name, ...cells].join(' | ')} |`)
  }
  const text = [
    `Predicted on ${date}, ${machine}: ${times.postMs} ms a post and ${times.baseMs} ms apart from them.`,
    '',
    '| | predicted, s | measured, s | | predicted posts | measured posts | | within 15 % and 1 % |',
    '|---|--:|--:|--:|--:|--:|--:|---|',
    ...lines,
  ].join('\n')
  return { text, isHeld }
}

const percent = (share: number) => `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(1)} %`
