/**
 * The fields of the `deliver` function's payload that a redrive reads: which events of which topic. The other fields
 * are passed on unchanged.
 */
export interface DeliverJob {
  readonly topic: string
  readonly offset: number
  readonly through?: number
  /** Events of other topics in the same job. */
  readonly beside?: readonly Omit<DeliverJob, 'beside'>[]
}

/** Whether this is a delivery of log events. Ephemeral events are delivered at most once, so they are not redriven. */
export function isDeliverJob(value: unknown): value is DeliverJob {
  if (typeof value !== 'object' || value === null || !('topic' in value) || !('offset' in value)) return false
  return typeof value.topic === 'string' && Number.isSafeInteger(value.offset)
}

/** A job of a redrive: a delivery or a check. */
export type RedriveJob = DeliverJob | Check

/** The `deliver` function's payload for a check. Running a check again is harmless. */
export type Check = PresenceCheck | UnconfirmedCheck

/** The member and its topic, to find out whether the member left. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

/** Which connection may be unconfirmed. */
export interface UnconfirmedCheck {
  readonly unconfirmed: { readonly connectionId: string }
}

/** Whether this is a check. */
export function isCheck(value: unknown): value is Check {
  return hasTexts(value, 'presence', ['topic', 'member']) || hasTexts(value, 'unconfirmed', ['connectionId'])
}

function hasTexts(value: unknown, name: string, texts: readonly string[]): boolean {
  const job = isRecord(value) ? value[name] : undefined
  return isRecord(job) && texts.every((text) => typeof job[text] === 'string')
}

const workerJobs: ReadonlyMap<unknown, string> = new Map([
  ['call', 'a long call: its client got no answer, and has sent it again or given up'],
  ['generator', 'a generator: its client got no values, and has subscribed again or given up'],
  ['stream', 'a stream: the first who looks at it has it produced again, or closes it as lost'],
])

/** Why a redrive does not start a job of the `worker` function; undefined for anything else. */
export function workerJobReason(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined
  const isWhole = value['kind'] === 'stream' ? typeof value['topic'] === 'string' : isRecord(value['client'])
  return isWhole ? workerJobs.get(value['kind']) : undefined
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Formats a check for people, after "checking" or "would check". */
export function formatCheck(check: Check): string {
  if ('unconfirmed' in check) return `whether connection ${check.unconfirmed.connectionId} was confirmed`
  return `whether ${check.presence.member} left ${check.presence.topic}`
}

/** Formats the events of a delivery for people. */
export function formatJob({ beside = [], ...first }: DeliverJob): string {
  return [first, ...beside].map(formatRun).join(', ')
}

function formatRun({ topic, offset, through = offset }: DeliverJob): string {
  return through === offset ? `${topic} ${offset}` : `${topic} ${offset} to ${through}`
}
