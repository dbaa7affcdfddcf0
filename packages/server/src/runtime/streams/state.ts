import type { OnLost, Outcome } from '../../define/stream-rules.ts'

/**
 * The state of a stream after a slot of its log, which the slot carries. Its names are short, because every slot of the
 * stream has it.
 */
export interface StreamState {
  /** `waiting`: a worker is to claim it. `running`: a worker produces. `closed` is final until its retention has passed. */
  readonly at: 'waiting' | 'running' | 'closed'
  /** How often the stream was claimed. */
  readonly e: number
  /** Names the last claim; empty before the first one. */
  readonly by: string
  /** The chunks of this run that are in the log. */
  readonly n: number
  /** The offset of the slot after which this run begins. */
  readonly first: number
  /** True when that slot begins a run after another one, so that earlier chunks do not belong to this run. */
  readonly anew?: true
  /** When the stream was started, in epoch milliseconds. */
  readonly since: number
  /** Names the input: a digest of it. Empty for a stream that was stopped before it was started. */
  readonly input: string
  /** Claims since a chunk was last put; with `restart`, claims since the start. */
  readonly tries: number
  /** How a closed stream has ended. */
  readonly outcome?: Outcome
  /** The stream's place among the runs of its starter; absent if it is not counted. */
  readonly place?: { readonly owner: string; readonly run: string }
}

/** What a writer wants to put after the newest slot. */
export type StreamWrite =
  | { readonly kind: 'start'; readonly input: string; readonly place?: StreamState['place'] }
  | { readonly kind: 'claim'; readonly by: string }
  | { readonly kind: 'chunks'; readonly by: string; readonly count: number }
  | { readonly kind: 'yield'; readonly by: string }
  /** A close by the producer has `by`: that of its claim. */
  | { readonly kind: 'close'; readonly outcome: Outcome; readonly by?: string }

/** What a writer has seen. */
export interface Evidence {
  /** Undefined for an idle stream: its log has no state yet, or no longer. */
  readonly state: StreamState | undefined
  /** When the slot of the state was put, in epoch milliseconds. */
  readonly time: number
  /** The last sign of life of a running stream: that time, or a later one of the producer's `alive`. */
  readonly lastSign: number
  readonly now: number
}

/** The rules of a stream that a writer needs. */
export interface StreamLaw {
  readonly onLost: OnLost
  readonly retentionMs: number
}

/** A claim without a sign of life for this long has lapsed. Less than a minute, after which the platform retries. */
export const lapseMs = 45_000
/** A waiting stream that no worker has claimed for this long is lost. */
const waitingMs = 5 * 60_000
/** No claim is made after this age of the stream. */
const lifeMs = 24 * 3_600_000
/** Claims without a new chunk between them. */
const maxTries = 3

/** Whether the producer of a running stream has given no sign of life for so long that another may take over. */
function hasLapsed({ state, lastSign, now }: Evidence): boolean {
  return state?.at === 'running' && now > lastSign + lapseMs
}

/** Whether a closed stream is past its retention. All its slots expire together. */
export function isPast({ state, time, now }: Evidence, { retentionMs }: Pick<StreamLaw, 'retentionMs'>): boolean {
  return state?.at === 'closed' && time + retentionMs <= now
}

/**
 * What must happen to a stream that somebody looks at.
 * - `leave`: nothing
 * - `claim`: a worker claims it, any other pokes one
 * - `lost`: any process that looks closes it as lost
 */
// [LAW-STREAM-SETTLE]
export function judge(evidence: Evidence, law: Pick<StreamLaw, 'onLost'>): 'leave' | 'claim' | 'lost' {
  const { state, time, now } = evidence
  if (state === undefined || state.at === 'closed') return 'leave'
  if (state.at === 'running' && !hasLapsed(evidence)) return 'leave'
  if (state.at === 'waiting' && now > time + waitingMs) return 'lost'
  return mayClaim(evidence, law) ? 'claim' : 'lost'
}

/**
 * The state after a write; undefined if the write is not lawful after the state that its writer has seen. `offset` is
 * that of the slot to put. Every slot of a stream is put only with the result of this function, at the offset after the
 * state's newest slot and if no slot is there.
 */
// [LAW-STREAM]
export function stateAfter(
  evidence: Evidence,
  write: StreamWrite,
  { offset, ...law }: StreamLaw & { readonly offset: number },
): StreamState | undefined {
  const { state, now } = evidence
  const isMine = (by: string) => state?.at === 'running' && state.by === by
  switch (write.kind) {
    case 'start': {
      if (state !== undefined && !isPast(evidence, law)) return undefined
      const { input, place } = write
      const begun = {
        at: 'waiting',
        e: state?.e ?? 0,
        by: '',
        n: 0,
        first: offset,
        since: now,
        input,
        tries: 0,
      } as const
      return { ...begun, ...(state !== undefined && { anew: true }), ...(place && { place }) }
    }
    case 'claim': {
      if (state === undefined || !mayClaim(evidence, law)) return undefined
      const claimed = { ...state, at: 'running', e: state.e + 1, by: write.by, tries: state.tries + 1 } as const
      const beginsAnew = law.onLost === 'restart' && state.n > 0
      return beginsAnew ? { ...claimed, n: 0, first: offset, anew: true } : claimed
    }
    case 'chunks':
      if (state === undefined || !isMine(write.by)) return undefined
      return { ...state, n: state.n + write.count, tries: law.onLost === 'restart' ? state.tries : 0 }
    case 'yield':
      if (state === undefined || !isMine(write.by) || law.onLost === 'close') return undefined
      return { ...state, at: 'waiting' }
    case 'close':
      return mayClose(evidence, write, law) ? closed(evidence, write.outcome, offset) : undefined
  }
}

function mayClaim(evidence: Evidence, { onLost }: Pick<StreamLaw, 'onLost'>): boolean {
  const { state, now } = evidence
  if (state === undefined || state.tries >= maxTries || now - state.since >= lifeMs) return false
  return state.at === 'waiting' || (hasLapsed(evidence) && onLost !== 'close')
}

function mayClose(
  evidence: Evidence,
  { outcome, by }: Extract<StreamWrite, { readonly kind: 'close' }>,
  law: StreamLaw,
): boolean {
  const { state } = evidence
  if (outcome.type === 'stopped') return state?.at !== 'closed'
  if (by !== undefined) return state?.at === 'running' && state.by === by
  return outcome.type === 'lost' && judge(evidence, law) === 'lost'
}

/** A stop of an idle stream closes an empty run. */
function closed({ state, now }: Evidence, outcome: Outcome, offset: number): StreamState {
  const empty = { e: 0, by: '', n: 0, first: offset, since: now, input: '', tries: 0 }
  return { ...(state ?? empty), at: 'closed', outcome }
}

/** The state in a slot. */
export function formatState(state: StreamState): string {
  return JSON.stringify(state)
}

/** Undefined for a slot without a state, and for one whose state is not of this form, as a script may write it. */
export function parseState(text: string | undefined): StreamState | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isState(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
/** A clock may return fractions of a millisecond. */
const isTime = (value: unknown) => Number.isFinite(value) && (value as number) >= 0

function isState(value: unknown): value is StreamState {
  if (typeof value !== 'object' || value === null) return false
  const { at, by, input, outcome, ...rest } = value as { readonly [name: string]: unknown }
  const numbers = ['e', 'n', 'first', 'tries'].every((name) => isCount(rest[name])) && isTime(rest['since'])
  const isOpen = at === 'waiting' || at === 'running'
  return (
    numbers &&
    typeof by === 'string' &&
    typeof input === 'string' &&
    (isOpen || (at === 'closed' && isOutcome(outcome)))
  )
}

function isOutcome(value: unknown): value is Outcome {
  return ['done', 'failed', 'stopped', 'lost'].includes((value as { readonly type?: string } | undefined)?.type ?? '')
}
