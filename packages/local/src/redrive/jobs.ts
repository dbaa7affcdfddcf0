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

/** A job of a redrive: a delivery or a presence check. */
export type RedriveJob = DeliverJob | PresenceCheck

/** The `deliver` function's payload for a presence check: which member of which topic may have left. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

/** Whether this is a presence check. */
export function isPresenceCheck(value: unknown): value is PresenceCheck {
  if (typeof value !== 'object' || value === null || !('presence' in value)) return false
  const { presence } = value
  if (typeof presence !== 'object' || presence === null || !('topic' in presence) || !('member' in presence))
    return false
  return typeof presence.topic === 'string' && typeof presence.member === 'string'
}

/** Formats the events of a delivery for people. */
export function formatJob({ beside = [], ...first }: DeliverJob): string {
  return [first, ...beside].map(formatRun).join(', ')
}

function formatRun({ topic, offset, through = offset }: DeliverJob): string {
  return through === offset ? `${topic} ${offset}` : `${topic} ${offset} to ${through}`
}
