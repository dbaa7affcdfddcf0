import type { OnLost, Outcome } from '../../define/stream-rules.ts'
import type { Slot } from '../../ports/log.ts'
import { parseState, type StreamState } from '../streams/state.ts'

/** The chunks of one run, each with its offset and its place in the slot, and how the run has ended. */
export interface Run {
  /** The offset of its first slot. */
  readonly from: number
  readonly chunks: readonly string[]
  /** The cursor behind each chunk: offset, place in the slot, and how many chunks the slot has. */
  readonly cursors: readonly { readonly offset: number; readonly place: number; readonly of: number }[]
  readonly outcome?: Outcome
}

/**
 * A log of a stream, read slot by slot by somebody who trusts nothing: the runs that it has, and the first thing in it
 * that breaks the law. It derives each state from the one before, and compares it with the slot's.
 */
export class StreamRuns {
  readonly runs: readonly Run[] = []
  readonly state: StreamState | undefined
  readonly claims: number = 0
  /** How often each succeeding run was claimed from the beginning of the log on. */
  readonly claimsOfRun: number = 0
  readonly flaw: string | undefined
  readonly #ids: ReadonlySet<string> = new Set()
  readonly #text: string = ''

  constructor(of?: Partial<StreamRuns> & { readonly ids: ReadonlySet<string>; readonly text: string }) {
    if (of === undefined) return
    this.runs = of.runs ?? []
    this.state = of.state
    this.claims = of.claims ?? 0
    this.claimsOfRun = of.claimsOfRun ?? 0
    this.flaw = of.flaw
    this.#ids = of.ids
    this.#text = of.text
  }

  /** The log with one more slot. `mayStart`: what is closed is past its retention. */
  with(slot: Slot, mayStart: boolean): StreamRuns {
    const state = parseState(slot.state)
    const text = `${this.#text}${this.#text && ' · '}${describeSlot(slot)}`
    const ids = new Set([...this.#ids, slot.publishId])
    if (state === undefined) return new StreamRuns({ ...this.#members(), ids, text })
    const chunks = slot.data === undefined ? [] : (JSON.parse(slot.data) as string[])
    const begins = state.first === slot.offset
    const isStart = state.at === 'waiting' && begins
    const flaw =
      this.flaw ??
      this.#flawOf(slot, { state, chunks, isStart, mayStart }) ??
      (ids.size === this.#ids.size ? 'A slot is in the log twice' : undefined)
    const cursors = chunks.map((_, index) => ({ offset: slot.offset, place: index + 1, of: chunks.length }))
    const none = { from: slot.offset, chunks: [], cursors: [] }
    const run = begins ? none : (this.runs.at(-1) ?? none)
    const grown = {
      from: run.from,
      chunks: [...run.chunks, ...chunks],
      cursors: [...run.cursors, ...cursors],
      ...(state.outcome && { outcome: state.outcome }),
    }
    const kept = begins ? this.runs : this.runs.slice(0, -1)
    const isClaim = state.e > (this.state?.e ?? 0)
    return new StreamRuns({
      runs: [...kept, grown],
      state,
      claims: state.e,
      claimsOfRun: isStart ? 0 : this.claimsOfRun + (isClaim ? 1 : 0),
      flaw: flaw && `${flaw}: ${text}`,
      ids,
      text,
    })
  }

  /** What is wrong with the log as a whole: laws that hold at each of its lengths. */
  flawWith({ chunks, onLost }: { readonly chunks: number; readonly onLost: OnLost }): string | undefined {
    const run = this.runs.at(-1)
    const is = (what: string) => `${what}: ${this.#text}`
    if (run?.outcome?.type === 'done' && run.chunks.length !== chunks) return is('It is done without all chunks')
    if (onLost === 'close' && this.claimsOfRun > 1) return is('It was produced twice')
    return undefined
  }

  describe(): string {
    return this.#text
  }

  #members() {
    const { runs, state, claims, claimsOfRun, flaw } = this
    return { runs, state, claims, claimsOfRun, ...(flaw && { flaw }) } as Partial<StreamRuns>
  }

  #flawOf(
    slot: Slot,
    of: {
      readonly state: StreamState
      readonly chunks: readonly string[]
      readonly isStart: boolean
      readonly mayStart: boolean
    },
  ): string | undefined {
    const { state, chunks, isStart, mayStart } = of
    const before = this.state
    if (before?.at === 'closed' && !(isStart && mayStart && state.anew === true)) return 'A slot is behind the close'
    if (isStart) return before === undefined || before.at === 'closed' ? undefined : 'It is started twice'
    if (state.e < this.claims || state.e > this.claims + 1) return 'The claims are not in order'
    const isClaim = state.e === this.claims + 1
    if (before === undefined) return state.outcome?.type === 'stopped' ? undefined : 'It is not started'
    const isAnew = state.first === slot.offset
    if (isClaim && state.anew === true && isAnew) return state.n === 0 ? undefined : 'A new run has chunks already'
    const run = this.runs.at(-1)?.chunks ?? []
    if (isClaim && run.length > 0 && state.n === 0) return 'A run begins again and is not marked: doubled or missing'
    if (chunks.length > 0 && (before.at !== 'running' || before.by !== state.by))
      return 'A chunk is of a producer that was succeeded'
    const numbers = [...run, ...chunks].map((chunk) => Number(chunk.split('/')[0]))
    if (numbers.some((number, index) => number !== index + 1)) return 'A chunk is doubled or missing'
    return state.n === numbers.length ? undefined : 'The state counts other chunks than stand'
  }
}

function describeSlot({ state: text, data }: Slot): string {
  const { at, e, outcome, anew, n } = (parseState(text) ?? {}) as Partial<StreamState>
  if (data !== undefined) return data.replaceAll('"', '')
  return at === undefined ? 'birth' : `${outcome?.type ?? at} ${e}${anew && n === 0 ? ' anew' : ''}`
}
