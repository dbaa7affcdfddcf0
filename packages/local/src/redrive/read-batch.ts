import type { _Record, DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { FailedBatch } from './failed-message.ts'
import type { DeliverJob } from './jobs.ts'

const logPrefix = 'LOG#'
const requestMs = 10_000

/**
 * Reads a batch's records from its stream again and returns its deliveries. Undefined when the stream has deleted them:
 * it keeps records for 24 h.
 */
export async function readBatch(
  client: DynamoDBStreamsClient,
  batch: FailedBatch,
): Promise<readonly DeliverJob[] | undefined> {
  const sdk = await import('./sdk.ts')
  const jobs: DeliverJob[] = []
  const end = BigInt(batch.endSequenceNumber)
  const within = () => ({ abortSignal: AbortSignal.timeout(requestMs) })
  try {
    const start = new sdk.GetShardIteratorCommand({
      StreamArn: batch.streamArn,
      ShardId: batch.shardId,
      ShardIteratorType: 'AT_SEQUENCE_NUMBER',
      SequenceNumber: batch.startSequenceNumber,
    })
    let { ShardIterator: iterator } = await client.send(start, within())
    while (iterator !== undefined) {
      const page = await client.send(new sdk.GetRecordsCommand({ ShardIterator: iterator }), within())
      const records = page.Records ?? []
      for (const record of records) {
        if (BigInt(record.dynamodb?.SequenceNumber ?? '0') > end) return jobs
        jobs.push(...toJob(record))
      }
      iterator = reaches(records, end) ? undefined : page.NextShardIterator
      if (records.length === 0) break // the shard is open and has no more records
    }
    return jobs
  } catch (error) {
    if (error instanceof sdk.TrimmedDataAccessException || error instanceof sdk.ResourceNotFoundException)
      return undefined
    throw error
  }
}

function reaches(records: readonly _Record[], end: bigint): boolean {
  return BigInt(records.at(-1)?.dynamodb?.SequenceNumber ?? '0') >= end
}

/** Keeps new log slots. Other records need no delivery. */
function toJob({ eventName, dynamodb }: _Record): readonly DeliverJob[] {
  const { pk, sk } = dynamodb?.Keys ?? {}
  if (eventName !== 'INSERT' || pk?.S?.startsWith(logPrefix) !== true || sk?.S === undefined) return []
  return [{ topic: pk.S.slice(logPrefix.length), offset: Number(sk.S) }]
}
