import { type Check, type DeliverJob, isCheck, isDeliverJob, isRecord, workerJobReason } from './jobs.ts'

/** A failed batch of a stream. Its records must be read from the stream again. */
export interface FailedBatch {
  readonly streamArn: string
  readonly shardId: string
  readonly startSequenceNumber: string
  readonly endSequenceNumber: string
}

/** A message of an on-failure queue. `other`: not one of the line's jobs; `reason` is for people. */
export type FailedMessage =
  | { readonly kind: 'delivery'; readonly job: DeliverJob }
  | { readonly kind: 'check'; readonly check: Check }
  | { readonly kind: 'batch'; readonly batch: FailedBatch }
  | { readonly kind: 'other'; readonly reason: string }

/**
 * Parses the record of a Lambda destination (for an asynchronous event or for a stream's batch), or a bare job as the
 * delay queue's dead-letter queue contains it. Never throws.
 */
export function readFailedMessage(body: string): FailedMessage {
  const value = parse(body)
  if (!isRecord(value)) return other('not a record of a Lambda destination')
  const { requestPayload: job = value, DDBStreamBatchInfo: batch } = value
  if (isDeliverJob(job)) return { kind: 'delivery', job }
  if (isCheck(job)) return { kind: 'check', check: job }
  if (isRecord(batch)) return readBatch(batch)
  const reason = workerJobReason(job) ?? ephemeralReason(job)
  if (reason !== undefined) return other(reason)
  return other(job === value ? 'not a record of a Lambda destination' : 'an invocation that is not a delivery')
}

function readBatch(batch: Readonly<Record<string, unknown>>): FailedMessage {
  const { streamArn, shardId, startSequenceNumber, endSequenceNumber } = batch
  const texts = [streamArn, shardId, startSequenceNumber, endSequenceNumber]
  if (!texts.every((text): text is string => typeof text === 'string'))
    return other('a stream’s batch without its position in the stream')
  return { kind: 'batch', batch: { streamArn, shardId, startSequenceNumber, endSequenceNumber } as FailedBatch }
}

function other(reason: string): FailedMessage {
  return { kind: 'other', reason }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function ephemeralReason(job: unknown): string | undefined {
  if (!isRecord(job) || typeof job['topic'] !== 'string' || typeof job['data'] !== 'string') return undefined
  return 'an event of an ephemeral channel, which is delivered at most once'
}
