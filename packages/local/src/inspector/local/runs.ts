import { defined } from '@trunkline/protocol'
import type { FunctionRun, RunDetails } from '../../emulators/lambda/invocations/function-run.ts'
import type { ListPage, ListQuery, OutputText, RunItem, RunRow } from '../data-source.ts'
import { codeOfResult, describeEvent, type RunCause } from './describe-run.ts'
import { type CallIds, type Frames, isOf } from './frames.ts'
import { createRecent, type Numbered } from './recent.ts'
import { RecentSearch } from './recent-search.ts'
import { redactText } from './redact.ts'

interface RunEntry extends FunctionRun, RunCause {
  readonly code?: string
  readonly error?: RunItem['error']
  readonly output: readonly OutputText[]
  readonly isOutputCut: boolean
}

const mostRuns = 10_000
const mostCharacters = 16_000_000
const runWeight = 500
const relatedShown = 50

/** The newest runs of functions. */
export class Runs {
  readonly #frames: Frames
  readonly #recent = createRecent<RunEntry>({ most: mostRuns, mostWeight: mostCharacters, weightOf })
  readonly #search = new RecentSearch(this.#recent, searchText)

  constructor(frames: Frames) {
    this.#frames = frames
  }

  add(run: FunctionRun, { text, result, output }: RunDetails): void {
    const cause = describeEvent(text)
    const { connectionId = '', ids } = cause
    const startedAt = run.endedAt - run.durationMs
    // a subscription and a long call are answered by posts
    const posted = ids.length === 0 ? undefined : this.#frames.errorOf({ connectionId, ids }, startedAt)
    const code = codeOfResult(result) ?? posted
    this.#recent.add({
      ...run,
      ...cause,
      ...defined({ code, error: toError(result) }),
      output: output.texts.map(({ stream, text }) => ({ stream, text: redactText(text) })),
      isOutputCut: output.isCut,
    })
  }

  newest(): number {
    return this.#recent.newest()
  }

  count(): number {
    return this.#recent.newest() - this.#recent.oldest() + 1
  }

  page(query: ListQuery): ListPage<RunRow> {
    const { entries, total, through } = this.#search.page(query)
    return { rows: entries.map(toRow), total, through }
  }

  open(number: number): RunItem | undefined {
    const entry = this.#recent.get(number)
    if (entry === undefined) return undefined
    const { requestId, error, output, isOutputCut, connectionId = '', ids } = entry
    const frames = ids.length === 0 ? [] : this.#frames.of({ connectionId, ids })
    return { ...toRow(entry), requestId, output, isOutputCut, frames, ...defined({ error }) }
  }

  /** The newest runs of these calls, oldest first. */
  of(calls: CallIds): readonly RunRow[] {
    const found: RunRow[] = []
    for (let number = this.#recent.newest(); number >= this.#recent.oldest(); number--) {
      const entry = this.#recent.get(number)
      if (entry?.connectionId === calls.connectionId && isOf({ ...calls, ids: entry.ids }, calls))
        found.push(toRow(entry))
      if (found.length === relatedShown) break
    }
    return found.reverse()
  }
}

function toError(result: RunDetails['result']): RunItem['error'] {
  if (result.status === 'ok') return undefined
  const { errorType, errorMessage = '', trace = [] } = result
  return { type: errorType ?? result.status, message: redactText(errorMessage), trace: trace.map(redactText) }
}

function weightOf({ output, error }: RunEntry): number {
  const texts = [...output.map(({ text }) => text), ...(error?.trace ?? [])]
  return texts.reduce((sum, text) => sum + text.length, runWeight)
}

function searchText({ name, cause, code, outcome, connectionId, requestId, output, error }: RunEntry): string {
  const written = [...output.map(({ text }) => text), error?.message ?? ''].join(' ')
  return `${name} ${cause} ${code ?? ''} ${outcome} ${connectionId ?? ''} ${requestId} ${written}`
}

function toRow(entry: Numbered<RunEntry>): RunRow {
  const { number, name, endedAt, durationMs, initMs, attempt, outcome, cause, code, connectionId, output } = entry
  const lines = output.reduce((sum, { text }) => sum + text.trimEnd().split('\n').length, 0)
  const row = { id: String(number), number, name, endedAt, durationMs, attempt, outcome, cause, lines }
  return { ...row, ...defined({ initMs, code, connectionId }) }
}
