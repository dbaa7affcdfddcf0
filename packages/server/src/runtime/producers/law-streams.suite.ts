import type { OnLost } from '../../define/stream-rules.ts'
import { DeadlinePassed } from '../context/deadline.ts'
import { readStreamPage } from '../streams/read-stream.ts'
import { replayStream } from '../streams/replay-stream.ts'
import { startStream } from './start-stream.ts'
import { stopStream } from './stop-stream.ts'
import { filteredFlaw } from './stream-filtered.suite.ts'
import { Points, Process, runAlone } from './stream-points.suite.ts'
import { beginning, key, type Program } from './stream-process.suite.ts'
import { type Make, ReadersAt, Recovery, repeated, take, work } from './stream-recovery.suite.ts'
import type { Search, SearchState } from './stream-search.suite.ts'
import type { Table } from './stream-table.suite.ts'

/** The processes of a search. */
export interface StreamScope {
  readonly onLost: OnLost
  /** How many chunks `produce` yields. */
  readonly chunks: number
  readonly workers: number
  /** With none it has started before. @default 0 */
  readonly starts?: number
  readonly stops?: boolean
  /** A slot without a state is put first, as a subscribe puts one. */
  readonly birth?: boolean
  /** The first worker has so little time that it hands over. */
  readonly handsOver?: boolean
  /** How many answers are lost. @default 0 */
  readonly losses?: number
  /** A reader from the beginning and one that reads chunk by chunk. */
  readonly readers?: boolean
  /** The retention of what is closed passes. */
  readonly passes?: boolean
  /** How often a producer that waits looks at the log. @default 0 */
  readonly looks?: number
  /** Breaks the law on purpose. */
  readonly mutant?: Mutant
}

export interface Mutant {
  /** Workers name their claims alike, as a claim that is named after its job is. */
  readonly claimsAlike?: boolean
  /** `produce` continues after the chunks that were read before the claim. */
  readonly producedAsRead?: boolean
  readonly instead?: Search['instead']
  /** The cursor that a reader sends. */
  readonly cursorOf?: (id: string) => string
}

const start: Program = ({ context, channel }) => repeated(() => startStream(context, channel, { key, input: {} }))
const stop: Program = ({ context, ref }) => repeated(() => stopStream(context, ref))

const mostReads = 3

/** A reader that subscribes, and resumes from where it is: what a subscribe and a sync read. */
const subscribe: Program = async ({ context, ref, seen }) => {
  let cursor: Parameters<typeof replayStream>[2]
  for (let reads = 0; reads < mostReads && !seen.isClosed; reads++) {
    const found = await repeated(() => replayStream(context, ref, cursor))
    take(seen, found)
    const last = found.slots.at(-1)
    cursor = { epoch: found.head.epoch, offset: last?.offset ?? found.head.offset }
  }
}

/** A reader that reads chunk by chunk, so that its cursors are in the middle of slots. */
const readByChunk: Program = async ({ context, ref, seen }) => {
  let after: string | undefined
  for (let reads = 0; reads < mostReads && !seen.isClosed; reads++) {
    const from = after === undefined ? {} : { after }
    const page = await repeated(() => readStreamPage(context, ref, { limit: 1, ...from }))
    if (page.gap !== undefined) [seen.chunks, seen.gaps] = [[], seen.gaps + 1]
    seen.chunks = [...seen.chunks, ...page.chunks.map(({ data }) => data as string)]
    after = page.chunks.at(-1)?.id ?? after
    seen.isClosed = page.next === null && page.status.state === 'closed'
  }
}

const workerMs = 900_000
/** A worker with so little time hands over after half of it. */
const shortMs = 900

/** The search of a scope. */
export function searchOf(scope: StreamScope & Pick<Search, 'mostStates' | 'spreads'>): Search {
  const { onLost, chunks, workers, starts = 0, stops = false, handsOver = false, losses = 0, looks = 0 } = scope
  const { readers = false, passes = false, birth = false, mutant = {}, mostStates } = scope
  const points = new Points()
  const make = (name: string, program: Program, seed: number, ms = workerMs) => {
    const options = { name, program, seed, ms, onLost, chunks, looks }
    return new Process(points, { ...options, ...(mutant.producedAsRead && { producedAsRead: true }) })
  }
  const processes = [
    ...Array.from({ length: starts }, (_, n) => make(`start ${n + 1}`, start, 11 + n)),
    ...Array.from({ length: workers }, (_, n) =>
      make(`worker ${n + 1}`, work, mutant.claimsAlike ? 21 : 21 + n, handsOver && n === 0 ? shortMs : workerMs),
    ),
    ...(stops ? [make('stop', stop, 31)] : []),
    ...(readers ? [make('subscriber', subscribe, 32), make('reader', readByChunk, 33)] : []),
  ]
  const alone: Make = (name, program, seed) => make(name, program, seed)
  const recovery = new Recovery(alone)
  const readersAt = new ReadersAt(alone, mutant.cursorOf)
  return {
    rules: { chunks, onLost },
    points,
    processes,
    losses,
    passes,
    mostStates,
    spreads: scope.spreads ?? false,
    ...(mutant.instead && { instead: mutant.instead }),
    prepare: async (empty) => {
      const born = birth
        ? empty.with({ offset: 1, epoch: 'e', publishId: 'birth', time: beginning, expires: 0 })
        : empty
      return starts > 0 ? born : (await runAlone(make('first start', start, 1), born)).table
    },
    flawOf: (state) => flawOf(state, onLost),
    flawOfTable: async (table) =>
      (await readersAt.flawOf(table)) ?? (await filteredFlaw(alone, table)) ?? (await recovery.flawOf(table)),
  }
}

function flawOf({ table, points, stopped }: SearchState, onLost: OnLost): string | undefined {
  let entered = 0
  for (const point of points) {
    entered += point.entered
    if (point.ended?.thrown !== undefined && !(point.ended.thrown instanceof DeadlinePassed))
      return `${point.process.name} throws ${String(point.ended.thrown)}: ${table.runs.describe()}`
    if (point.seen.chunks.length > 0 && !isOfOneRun(point.seen.chunks, table))
      return `${point.process.name} has [${point.seen.chunks.join()}]: ${table.runs.describe()}`
  }
  if (onLost === 'close' && table.past === 0 && entered > 1) return `It was produced twice: ${table.runs.describe()}`
  if (stopped > 0 && table.past < stopped && table.slots.length > stopped)
    return `A slot is behind a stop that has resolved: ${table.runs.describe()}`
  return undefined
}

/** Whether a reader's chunks are the first ones of one run. */
function isOfOneRun(chunks: readonly string[], { runs: { runs } }: Table): boolean {
  return runs.some((run) => chunks.every((chunk, index) => run.chunks[index] === chunk))
}
