import type { Point, Points, Process, Step } from './stream-points.suite.ts'
import type { Answer, Request } from './stream-process.suite.ts'
import { type Effect, Shared, type Table } from './stream-table.suite.ts'

/** A state of a search: the rows of the table, and where each process is. */
export interface SearchState {
  readonly table: Table
  readonly points: readonly Point[]
  readonly lossesLeft: number
  /** How many slots the log had when a stop had resolved; 0 before. */
  readonly stopped: number
}

export interface Search {
  readonly rules: Shared['rules']
  readonly points: Points
  readonly processes: readonly Process[]
  /** The log at the beginning. */
  readonly prepare: (empty: Table) => Promise<Table>
  readonly losses: number
  /** The retention of a closed stream may pass, once. */
  readonly passes?: boolean
  /** What is wrong in a state, besides a flaw of its log. */
  readonly flawOf: (state: SearchState) => string | undefined
  /** What is wrong with a log that was reached for the first time. */
  readonly flawOfTable: (table: Table) => Promise<string | undefined>
  /** Breaks the law on purpose: what the table does with a request of a process instead. */
  readonly instead?: (request: Request, of: Lawful) => Instead | undefined
  readonly mostStates: number
  /** @default false */
  readonly spreads?: boolean
}

/** What a request does by the law: the table before it and after it, and its answers. */
export interface Lawful extends Effect {
  readonly before: Table
  /** The process that makes the request. */
  readonly name: string
}

/** The effect of a request, and of one whose answer is lost, if it is another. */
export interface Instead {
  readonly table: Table
  readonly answers?: readonly Answer[]
  readonly whenLost?: Table
}

export interface Searched {
  readonly states: number
  /** The logs that differ. Each was read and recovered. */
  readonly logs: number
  /** How often production code ran on to its next request. */
  readonly runs: number
  readonly isCut: boolean
  readonly failure?: { readonly steps: readonly string[]; readonly flaw: string }
}

/** A state that was reached, and the step that led there. */
interface Reached {
  readonly state: SearchState
  readonly name: string
  readonly before: Reached | undefined
}

interface Move {
  readonly name: string
  readonly next: SearchState | Promise<SearchState>
}

/**
 * Enters every state that the processes can reach, each once, by every order of their requests. A process that dies is
 * one that has no further step, so what holds in every state holds after every death. Goes on from the state that was
 * reached last; with `spreads` from a random one, so that a search that is cut has seen some of everything.
 */
export async function search(of: Search): Promise<Searched> {
  const table = await of.prepare(new Shared(of.rules).empty())
  const points = await Promise.all(of.processes.map((process) => process.start()))
  const seen = new Set<string>()
  const checked = new Set<Table>()
  const open: Reached[] = []
  const enter = async (reached: Reached): Promise<Searched | undefined> => {
    if (!isNew(seen, reached.state)) return undefined
    const { state } = reached
    let flaw = state.table.flaw ?? of.flawOf(state)
    if (flaw === undefined && !checked.has(state.table)) flaw = await of.flawOfTable(state.table)
    checked.add(state.table)
    open.push(reached)
    const isCut = seen.size >= of.mostStates
    if (flaw === undefined && !isCut) return undefined
    return { ...counts(), isCut, ...(flaw !== undefined && { failure: { steps: stepsTo(reached), flaw } }) }
  }
  const counts = () => ({ states: seen.size, logs: checked.size, runs: of.points.count, isCut: false })
  const begun = await enter({
    state: { table, points, lossesLeft: of.losses, stopped: 0 },
    name: 'begin',
    before: undefined,
  })
  if (begun !== undefined) return begun
  for (let seed = 1; ; ) {
    seed = (Math.imul(seed, 48_271) + 11) >>> 0
    const before = of.spreads === true ? takeAt(open, seed % open.length) : open.pop()
    if (before === undefined) return counts()
    for (const { name, next } of movesOf(of, before.state)) {
      const state = next instanceof Promise ? await next : next
      const ended = await enter({ state, name, before })
      if (ended !== undefined) return ended
    }
  }
}

function takeAt<T>(items: T[], index: number): T | undefined {
  const last = items.pop()
  if (last === undefined || index === items.length) return last
  const taken = items[index]
  items[index] = last
  return taken
}

function stepsTo(reached: Reached): string[] {
  const steps: string[] = []
  for (let at: Reached | undefined = reached; at !== undefined; at = at.before) steps.push(at.name)
  return steps.reverse()
}

function isNew(seen: Set<string>, { table, points, lossesLeft, stopped }: SearchState): boolean {
  let key = `${table.id} ${lossesLeft} ${stopped}`
  for (const { id } of points) key += ` ${id}`
  const before = seen.size
  seen.add(key)
  return seen.size > before
}

function* movesOf(of: Search, state: SearchState): Generator<Move> {
  if (of.passes === true && state.table.state?.at === 'closed' && state.table.past === 0)
    yield { name: 'the retention passes', next: { ...state, table: state.table.pass() } }
  for (const [index, point] of state.points.entries()) {
    const { process } = point
    if (point.mayPassTime) yield { name: `${process.name} waits`, next: moved(state, index, 'time') }
    for (const request of point.waiting) yield* answersOf(of, state, { index, request })
  }
}

function* answersOf(
  of: Search,
  state: SearchState,
  { index, request }: { readonly index: number; readonly request: Request },
): Generator<Move> {
  const point = state.points[index] as Point
  const { name } = point.process
  const effect = state.table.apply(request, point.entered === 0 && name !== 'stop')
  const instead = of.instead?.(request, { ...effect, before: state.table, name })
  const { table, answers = effect.answers } = instead ?? effect
  for (const answer of answers)
    yield {
      name: `${name}: ${request.operation} ${answer.key}`,
      next: moved({ ...state, table }, index, { request, answer }),
    }
  if (state.lossesLeft === 0 || effect.table === state.table) return
  const answer = { key: 'lost', value: undefined, isLost: true } as const
  const lossesLeft = state.lossesLeft - 1
  const after = { ...state, table: instead?.whenLost ?? table, lossesLeft }
  yield { name: `${name}: ${request.operation} lost`, next: moved(after, index, { request, answer }) }
}

function moved(state: SearchState, index: number, step: Step): SearchState | Promise<SearchState> {
  const next = (state.points[index] as Point).after(step)
  return next instanceof Promise ? next.then((point) => withPoint(state, index, point)) : withPoint(state, index, next)
}

function withPoint(state: SearchState, index: number, point: Point): SearchState {
  const points = state.points.with(index, point)
  const resolved = point.process.name === 'stop' && point.ended !== undefined && 'value' in point.ended
  const stopped = resolved && state.stopped === 0 ? endOf(state.table) : state.stopped
  return { ...state, points, stopped }
}

/** The length of the log when the run was closed that a stop has met, if a start came after it. */
function endOf({ state, slots, past }: Table): number {
  return state?.at !== 'closed' && past > 0 ? past : slots.length
}
