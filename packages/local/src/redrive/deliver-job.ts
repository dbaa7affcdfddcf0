/** What of the `deliver` function's payload is read here: which events of which topic. The rest goes back as it came. */
export interface DeliverJob {
  readonly topic: string
  readonly offset: number
  readonly through?: number
  /** Events of other topics that go with them. */
  readonly beside?: readonly Omit<DeliverJob, 'beside'>[]
}

/** Whether this is a delivery of a log's events. One of an ephemeral channel is not: it is made at most once. */
export function isDeliverJob(value: unknown): value is DeliverJob {
  if (typeof value !== 'object' || value === null || !('topic' in value) || !('offset' in value)) return false
  return typeof value.topic === 'string' && Number.isSafeInteger(value.offset)
}

/** The events of a job, for people. */
export function formatJob({ beside = [], ...first }: DeliverJob): string {
  return [first, ...beside].map(formatRun).join(', ')
}

function formatRun({ topic, offset, through = offset }: DeliverJob): string {
  return through === offset ? `${topic} ${offset}` : `${topic} ${offset} to ${through}`
}
