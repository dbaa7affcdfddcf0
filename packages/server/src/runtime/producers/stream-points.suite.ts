import {
  type Answer,
  Execution,
  nextTurn,
  type Program,
  type ProgramOptions,
  type Request,
} from './stream-process.suite.ts'
import type { Table } from './stream-table.suite.ts'

/** What a process was answered, one step after another, or that time passed for it. */
export type Step = { readonly request: Request; readonly answer: Answer } | 'time'

const mostAlive = 4_000
/** Timers that fire sooner may do so while a request is in flight: pauses between puts, and a hand-over. */
const soonMs = 500

/**
 * A process after some answers. Production code ran up to here once; every state of the search in which the process got
 * these answers uses this point. To go on, its execution continues, or runs again with the recorded answers.
 */
export class Point {
  readonly id: number
  readonly process: Process
  readonly waiting: readonly Request[]
  readonly sleepMs: number | undefined
  readonly entered: number
  readonly ended: Execution['ended']
  readonly seen: Execution['seen']
  /** How often the producer has looked at the log while nothing happened. */
  readonly looks: number
  readonly #before: Point | undefined
  readonly #step: Step | undefined
  readonly #next = new Map<string, Point>()
  execution: Execution | undefined

  constructor(process: Process, execution: Execution, before?: Point, step?: Step) {
    this.process = process
    this.id = process.points.count++
    this.waiting = [...execution.waiting.values()].map(({ request }) => request)
    this.sleepMs = execution.sleepMs
    this.entered = execution.entered
    this.ended = execution.ended
    this.seen = { ...execution.seen }
    const isLook = step === 'time' && (before?.sleepMs ?? 0) > soonMs
    this.looks = (before?.looks ?? 0) + (isLook ? 1 : 0)
    this.#before = before
    this.#step = step
    this.execution = execution
    process.points.keep(this)
  }

  /** Whether time may pass for this process now. Its other requests stay in flight. */
  get mayPassTime(): boolean {
    if (this.ended !== undefined || this.sleepMs === undefined) return false
    if (this.sleepMs <= soonMs) return true
    return this.looks < this.process.looks && this.waiting.every(({ operation }) => operation === 'yield')
  }

  /** The point after one more step; a promise if production code must run for it. */
  after(step: Step): Point | Promise<Point> {
    const key = step === 'time' ? step : `${step.request.id}${step.answer.isLost ? ' lost ' : ' '}${step.answer.key}`
    return this.#next.get(key) ?? this.#run(key, step)
  }

  async #run(key: string, step: Step): Promise<Point> {
    const execution = this.execution ?? (await this.#again())
    this.execution = undefined
    await advance(execution, step)
    const point = new Point(this.process, execution, this, step)
    this.#next.set(key, point)
    return point
  }

  async #again(): Promise<Execution> {
    const steps: Step[] = []
    for (let point: Point | undefined = this; point !== undefined; point = point.#before)
      if (point.#step !== undefined) steps.push(point.#step)
    const execution = await this.process.execute()
    for (const step of steps.reverse()) await advance(execution, step)
    return execution
  }
}

async function advance(execution: Execution, step: Step): Promise<void> {
  if (step === 'time') execution.passTime()
  else execution.answer(step.request.id, step.answer)
  await settle(execution)
}

/** Runs on until it waits for an answer. One that waits for time alone gets it. */
async function settle(execution: Execution): Promise<void> {
  for (let pauses = 0; ; pauses++) {
    await nextTurn()
    if (execution.ended !== undefined || execution.waiting.size > 0 || execution.sleepMs === undefined) return
    if (pauses > 1_000) throw new Error('A process waits for time without an end.')
    execution.passTime()
  }
}

/** The points of all processes of a search. Executions are kept for the newest ones, which are likely to continue. */
export class Points {
  count = 0
  readonly #alive: Point[] = []

  keep(point: Point): void {
    this.#alive.push(point)
    if (this.#alive.length < mostAlive) return
    for (const old of this.#alive.splice(0, mostAlive / 2)) old.execution = undefined
  }
}

/** A program with its options: it does the same again when it gets the same answers. */
export class Process {
  readonly name: string
  readonly points: Points
  /** How often its producer may look at the log while nothing happens. */
  readonly looks: number
  readonly #program: Program
  readonly #options: ProgramOptions
  #start: Promise<Point> | undefined

  constructor(
    points: Points,
    of: { readonly name: string; readonly program: Program; readonly looks?: number } & ProgramOptions,
  ) {
    const { name, program, looks = 0, ...options } = of
    this.points = points
    this.name = name
    this.looks = looks
    this.#program = program
    this.#options = options
  }

  start(): Promise<Point> {
    this.#start ??= this.execute().then((execution) => new Point(this, execution))
    return this.#start
  }

  async execute(): Promise<Execution> {
    const execution = new Execution(this.#program, this.#options)
    await settle(execution)
    return execution
  }
}

/** Runs one process alone, from a log on: what it leaves, and how it ends. `dies`: it is killed once it produces. */
export async function runAlone(
  process: Process,
  table: Table,
  { finds = 'fresh', dies = false }: { readonly finds?: 'fresh' | 'lapsed'; readonly dies?: boolean } = {},
): Promise<{ readonly table: Table; readonly point: Point }> {
  let point = await process.start()
  for (let steps = 0; point.ended === undefined && !(dies && point.entered > 0); steps++) {
    if (steps > 500) throw new Error(`${process.name} does not end: ${table.runs.describe()}`)
    const [request] = point.waiting
    if (request === undefined) break
    const effect = table.apply(request, finds === 'lapsed' && point.entered === 0)
    table = effect.table
    const answer = effect.answers.at(-1) as Answer // the last one is the oldest
    point = await point.after({ request, answer })
  }
  return { table, point }
}
