import { type AnswerRef, answerTopicOf, streamRetentionMs, thrownMessage } from '../records/application.ts'
import type { StreamEvent, StreamSubscription } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, retriedCodes, stockCodes } from './lawful-errors.ts'

/** A stream's state in its slots, as far as it is checked. */
interface State {
  readonly at: 'waiting' | 'running' | 'closed'
  readonly e: number
  readonly by: string
  readonly n: number
  readonly first: number
  readonly anew?: true
  readonly outcome?: { readonly type: string; readonly message?: string }
}

interface Chunk {
  readonly run: number
  readonly n: number
}

/** One run of a stream in its log. */
interface Run {
  /** The indexes in the published log of its first slot and of its close. */
  readonly from: number
  readonly closed: number | undefined
  readonly chunks: readonly Chunk[]
  readonly outcome: State['outcome']
}

/** Checks every stream's log, what each of its readers received, and that nothing follows a stop (H20). */
export function checkStreams(world: World): void {
  const { history } = world
  const refs = new Map(
    [...history.streamCalls, ...history.streamSubscriptions].map(({ of }) => [answerTopicOf(of), of]),
  )
  for (const of of refs.values()) {
    const runs = new LogCheck(world, of).runs()
    checkStops(world, of, runs)
    for (const record of history.streamSubscriptions)
      if (answerTopicOf(record.of) === answerTopicOf(of)) new ReaderCheck(world, record, runs).check()
  }
}

/** The check of one stream's log, slot by slot. */
class LogCheck {
  readonly #world: World
  readonly #of: AnswerRef
  readonly #topic: string
  readonly #runs: Run[] = []
  #state: (State & { readonly time: number; readonly epoch: string }) | undefined
  #claims = 0
  #runOfClaim: number | undefined

  constructor(world: World, of: AnswerRef) {
    this.#world = world
    this.#of = of
    this.#topic = answerTopicOf(of)
  }

  runs(): readonly Run[] {
    for (const [index, each] of this.#world.table.published.of(this.#topic).entries()) this.#add(index, each)
    return this.#runs
  }

  #break(text: string): void {
    this.#world.report.break('H20', `${this.#topic}: ${text}`)
  }

  #add(index: number, { slot }: Committed): void {
    if (slot.state === undefined) return
    const state = JSON.parse(slot.state) as State
    const before = this.#state?.epoch === slot.epoch ? this.#state : undefined
    this.#state = { ...state, time: slot.time, epoch: slot.epoch }
    const about = `slot ${slot.offset}`
    const begins = state.first === slot.offset
    const isStart = begins && state.at === 'waiting'
    if (before?.at === 'closed') {
      const isPast = slot.time - before.time >= streamRetentionMs - clockErrorMs
      if (!isStart || state.anew !== true || !isPast) this.#break(`${about} is behind the close`)
    }
    const isClaim = state.e > (before?.e ?? 0)
    if (state.e < (before?.e ?? 0) || state.e > (before?.e ?? 0) + 1) this.#break(`${about} is claim ${state.e}`)
    if (isStart || before === undefined) this.#claims = 0
    if (isClaim) this.#addClaim(about)
    const chunks = slot.data === undefined ? [] : (JSON.parse(slot.data) as readonly Chunk[])
    const run = begins || this.#runs.length === 0 ? undefined : this.#runs.at(-1)
    const grown: Run = {
      from: run?.from ?? index,
      closed: state.at === 'closed' ? index : undefined,
      chunks: [...(run?.chunks ?? []), ...chunks],
      outcome: state.outcome,
    }
    if (run === undefined) this.#runs.push(grown)
    else this.#runs[this.#runs.length - 1] = grown
    this.#checkChunks(about, chunks, grown, state)
  }

  #addClaim(about: string): void {
    this.#claims += 1
    this.#runOfClaim = undefined
    if (this.#of.onLost === 'close' && this.#claims > 1) this.#break(`${about} claims it again`)
  }

  #checkChunks(about: string, chunks: readonly Chunk[], { chunks: all }: Run, { n, outcome }: State): void {
    for (const { run } of chunks) {
      this.#runOfClaim ??= run
      if (run !== this.#runOfClaim) this.#break(`${about} has chunks of producer ${run}, which does not hold the claim`)
    }
    if (all.some((chunk, index) => chunk.n !== index + 1)) this.#break(`${about}: a chunk is doubled or missing`)
    if (n !== all.length) this.#break(`${about} counts ${n} of ${all.length} chunks`)
    const last = this.#world.history.streamCalls
      .filter((call) => call.input !== undefined && answerTopicOf(call.of) === this.#topic)
      .map(({ input }) => input?.last)
    if (outcome?.type === 'done' && !last.includes(all.length)) this.#break(`${about} is done after ${all.length}`)
  }
}

/** Clocks of functions are off by at most 5 s each (F25). */
const clockErrorMs = 11_000

/** A stop that resolved answers an outcome that the log has, and only a new run follows. */
function checkStops({ history, report }: World, of: AnswerRef, runs: readonly Run[]): void {
  const topic = answerTopicOf(of)
  for (const { kind, answer, of: stopped } of history.streamCalls) {
    if (kind !== 'silence' || answer === undefined || answerTopicOf(stopped) !== topic) continue
    const { type } = answer.data as { readonly type: string }
    const found = runs.some(
      ({ closed, outcome }) => outcome?.type === type && (closed ?? answer.length) < answer.length,
    )
    if (!found) report.break('H20', `${topic}: a stop resolved with ${type}, and the log has no such close`)
  }
}

/** The check of what one reader received. */
class ReaderCheck {
  readonly #world: World
  readonly #record: StreamSubscription
  readonly #runs: readonly Run[]
  readonly #about: string
  /** The run that it reads, and the chunks of it that it is past. */
  #at: { readonly run: Run; readonly past: number } | undefined

  constructor(world: World, record: StreamSubscription, runs: readonly Run[]) {
    this.#world = world
    this.#record = record
    this.#runs = runs
    this.#about = `${record.device} ${record.path} ${answerTopicOf(record.of)}`
  }

  check(): void {
    for (const event of this.#record.events) {
      if (event.kind === 'gap') this.#at = undefined
      if (event.kind === 'chunk') this.#addChunk(event)
    }
    this.#checkEnd()
  }

  #isMatch({ n }: Chunk): boolean {
    return this.#record.path === 'answer' || n % 2 === 0
  }

  #addChunk({ run, n }: Chunk): void {
    const { report } = this.#world
    const is = (chunk: Chunk) => chunk.run === run && chunk.n === n
    const found = this.#runs.find(({ chunks }) => chunks.some(is))
    if (found === undefined) {
      report.break('H8', `${this.#about} received ${run}.${n}, which is not in the log`)
      return
    }
    if (!this.#isMatch({ run, n })) report.break('H8', `${this.#about} received ${n}, which its filter excludes`)
    const past = this.#at?.run === found ? this.#at.past : 0
    if (this.#at !== undefined && this.#at.run !== found)
      report.break('H20', `${this.#about} received ${run}.${n} without a gap`, 'unsignalled')
    const index = found.chunks.findIndex(is)
    if (index < past) report.break('H20', `${this.#about} received ${run}.${n} again`, 'doubled')
    const missing = found.chunks.slice(past, index).find((chunk) => this.#isMatch(chunk))
    if (missing !== undefined)
      report.break('H20', `${this.#about} received ${run}.${n} and never ${missing.n}, without a signal`, 'lost')
    this.#at = { run: found, past: index + 1 }
  }

  #checkEnd(): void {
    const { ended, events, isStock } = this.#record
    const last = events.at(-1)
    if (last?.kind === 'end') this.#checkOutcome(last.seen, last.outcome ?? (isStock ? undefined : 'none'))
    else if (last?.kind === 'error' && ended === 'error') this.#checkError(last)
    else if (ended === undefined) this.#checkHead()
  }

  /** What ended well is complete, and has the outcome of its run. */
  #checkOutcome(seen: number, outcome: string | undefined): void {
    const { report } = this.#world
    const closed = this.#runs.filter((run) => (run.closed ?? seen) < seen)
    const { run, past } = this.#at ?? { run: closed.at(-1), past: 0 }
    const isReported = this.#at === undefined && this.#record.events.some(({ kind }) => kind === 'gap')
    if (run === undefined || !closed.includes(run))
      report.break('H20', `${this.#about} ended, and the log has no close`)
    else if (outcome !== undefined && outcome !== run.outcome?.type)
      report.break('H20', `${this.#about} ended as ${outcome}, and the log has ${run.outcome?.type}`)
    const missing = isReported ? undefined : run?.chunks.slice(past).find((chunk) => this.#isMatch(chunk))
    if (missing !== undefined) report.break('H20', `${this.#about} ended and never received ${missing.n}`, 'lost')
  }

  #checkError({ code, message }: Extract<StreamEvent, { readonly kind: 'error' }>): void {
    const { report, plan } = this.#world
    const has = (type: string) => this.#runs.some(({ outcome }) => outcome?.type === type)
    if (message === thrownMessage && has('failed')) return
    if ((code === 'STREAM_LOST' || this.#record.isStock) && has('lost')) return
    const failures = functionsFailed(plan.struck)
    if (this.#record.isStock && (code === 'PRECONDITION_FAILED' || (failures > 0 && stockCodes.includes(code)))) return
    if (code === 'CLOSED' || (retriedCodes.includes(code) && failures >= 5)) return
    report.break('H15', `${this.#about} ended: ${code} ${message}`, 'other')
  }

  /** A reader that lives has everything, and its stream has not ended. */
  #checkHead(): void {
    const { report, plan } = this.#world
    const { isStock, events } = this.#record
    if (isStock && functionsFailed(plan.struck) > 0) return // its subscribe may have got no response
    if (!events.some(({ kind }) => kind !== 'error')) report.break('H15', `${this.#about} never started`)
    const newest = this.#runs.at(-1)
    if (newest?.closed !== undefined) report.break('H5', `${this.#about} is not ended, and its stream is`)
    const past = this.#at?.run === newest ? (this.#at?.past ?? 0) : 0
    const missing = newest?.chunks.slice(past).find((chunk) => this.#isMatch(chunk))
    if (missing !== undefined) report.break('H5', `${this.#about} never received ${missing.run}.${missing.n}`)
  }
}
