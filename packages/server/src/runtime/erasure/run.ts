import type { RuntimeContext } from '../context/runtime-context.ts'

/** What an erasure removes. */
export type ErasedSubject = { readonly principal: string } | { readonly topic: string }

/** How many rows of each kind were erased. */
export interface EraseCounts {
  /** Connections that were closed, and whose rows were emptied. */
  readonly connections: number
  /** Rows of subscriptions, of the connections and of the topics. */
  readonly subscriptions: number
  /** Keys of mutations, whose outcomes were removed. */
  readonly keys: number
  /** Keys of mutations that run. They hold nothing yet. */
  readonly runningKeys: number
  /** Rows that name the caller by a digest: of long calls, of the places of runs, and of rates. */
  readonly runs: number
  /** Rows of large messages, and of their parts. */
  readonly uploads: number
  /** Members of presence that were removed. */
  readonly members: number
  /** Events whose data was removed, those of presence logs included. */
  readonly events: number
  /** Connections that the gateway did not close. Their rows stay as they are. */
  readonly failed: number
}

/**
 * How far an erasure has come: JSON, from which `from` continues. It names whom the erasure is about, so keep it as
 * safe as that and delete it afterwards.
 */
export interface EraseState {
  readonly version: 1
  readonly of: ErasedSubject
  /** What is done now: `rows` of the whole table, `members` of presence, `events` of a log. */
  readonly step: 'rows' | 'members' | 'events'
  /** Where the step continues. Absent at its begin. */
  readonly next?: string
  /** Of events: up to this offset they are done, and up to this one they will be. */
  readonly offset: number
  readonly through: number
  /** Of rows: how many were examined. */
  readonly examined: number
  /** Of a topic: whether it is the log of a presence. */
  readonly isPresence: boolean
  readonly counts: EraseCounts
  /** The connections that were erased. */
  readonly connections: readonly string[]
  /** The connections that the gateway did not close. */
  readonly failed: readonly string[]
  /** Members of presence that were removed and whose events are not erased yet: a topic and a name each. */
  readonly members: readonly (readonly [topic: string, member: string])[]
}

/** How far an erasure has come, for people. */
export interface EraseProgress {
  readonly step: EraseState['step']
  /** Rows, members or events of this step. Of rows, `left` is an estimate. */
  readonly done: number
  readonly left: number
  /** How many were done in a second, since this run or this step began. */
  readonly perSecond: number
  readonly counts: EraseCounts
}

/** How an erasure runs, stops and continues. */
export interface EraseOptions {
  /** Stops the erasure after what is under way. The report then has a `state`. */
  readonly signal?: AbortSignal
  /** The state of an erasure that was stopped: continues there. */
  readonly from?: EraseState
  /** The highest number of rows that are written in a second. @default unlimited */
  readonly perSecond?: number
  /** Called after each page of work with how far it has come, and the state to continue from. */
  readonly onProgress?: (progress: EraseProgress, state: EraseState) => void
}

const none: EraseCounts = {
  ...{ connections: 0, subscriptions: 0, keys: 0, runningKeys: 0, runs: 0, uploads: 0 },
  ...{ members: 0, events: 0, failed: 0 },
}

/** An erasure before its first step. */
export function firstState(of: ErasedSubject): EraseState {
  const step = 'principal' in of ? 'rows' : 'members'
  return {
    ...{ version: 1, of, step, offset: 0, through: 0, examined: 0, isPresence: false },
    ...{ counts: none, connections: [], failed: [], members: [] },
  }
}

type Reached = Pick<EraseProgress, 'step' | 'done' | 'left'>

/** One run of an erasure: where it is, and how fast it may go. */
export class EraseRun {
  state: EraseState
  readonly context: RuntimeContext
  readonly #options: EraseOptions
  /** When this run or its step began, and what was done then. */
  #began: { readonly at: number; readonly done: number } | undefined
  #owedMs = 0
  #reached: Reached | undefined

  constructor(context: RuntimeContext, state: EraseState, options: EraseOptions) {
    this.context = context
    this.state = state
    this.#options = options
  }

  get isStopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** How many rows of a page are erased before the next look at `signal`. */
  get pageRows(): number {
    return Math.min(100, Math.max(1, Math.floor(this.#options.perSecond ?? 100)))
  }

  update(change: Partial<EraseState>): void {
    this.state = { ...this.state, ...change }
  }

  count(added: Partial<EraseCounts>): void {
    const entries = Object.entries(this.state.counts).map(([name, count]) => [
      name,
      count + (added[name as keyof EraseCounts] ?? 0),
    ])
    this.update({ counts: Object.fromEntries(entries) as unknown as EraseCounts }) // the names are those of `counts`
  }

  /** Reports a page of work, then paces it. */
  async finishPage(reached: Reached, written: number): Promise<void> {
    this.report(reached)
    await this.pace(written)
  }

  /** Reports what was reached, or again what was reported last: after a failure, with the state of then. */
  report(reached = this.#reached): void {
    if (reached === undefined) return
    this.#reached = reached
    const { step, done, left } = reached
    const { counts } = this.state
    const { at = 0, done: before = 0 } = this.#began ?? {}
    const seconds = (this.context.clock.now() - at) / 1_000
    const perSecond = seconds > 0 ? Math.round(((done - before) / seconds) * 10) / 10 : 0
    this.#options.onProgress?.({ step, done, left: Math.max(0, left), perSecond, counts }, this.state)
  }

  /** Waits as long as `perSecond` asks for rows that were written. */
  async pace(written: number): Promise<void> {
    const { perSecond, signal } = this.#options
    if (perSecond === undefined) return
    this.#owedMs += (written * 1_000) / perSecond
    const pause = Math.floor(this.#owedMs)
    this.#owedMs -= pause
    if (pause > 0) await this.context.clock.sleep(pause, signal)
  }

  /** Reports the begin of a step that is partly done already, and measures its rate from here. */
  begin(reached: Reached): void {
    this.#began = { at: this.context.clock.now(), done: reached.done }
    this.report(reached)
  }
}
