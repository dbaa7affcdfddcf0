/** What of the `deliver` function's payload is read here: which events of which topic. The rest goes back as it came. */
export interface DeliverJob {
  readonly topic: string
  readonly offset: number
  readonly through?: number
}

/** Whether this is a delivery of a log's events. One of an ephemeral channel is not: it is made at most once. */
export function isDeliverJob(value: unknown): value is DeliverJob {
  if (typeof value !== 'object' || value === null || !('topic' in value) || !('offset' in value)) return false
  return typeof value.topic === 'string' && Number.isSafeInteger(value.offset)
}

/** The events of a job, for people. */
export function formatJob({ topic, offset, through = offset }: DeliverJob): string {
  return through === offset ? `${topic} ${offset}` : `${topic} ${offset} to ${through}`
}
