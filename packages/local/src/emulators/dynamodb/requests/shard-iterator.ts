import { ApiError } from './api-error.ts'

/** A position in a shard: after the sequence number `after`, or before the oldest record. */
export interface ShardIterator {
  readonly stream: string
  readonly shard: string
  readonly after: string | undefined
}

/** Formats an iterator as DynamoDB does: the stream's ARN, a version, and the position. */
export function formatIterator({ stream, shard, after }: ShardIterator): string {
  return `${stream}|1|${Buffer.from(`${shard}/${after ?? ''}`).toString('base64')}`
}

/** Parses an iterator. Throws an `ApiError` for a text that is not one. */
export function parseIterator(text: string): ShardIterator {
  const [stream, version, place] = text.split('|')
  const [shard, after] = Buffer.from(place ?? '', 'base64')
    .toString()
    .split('/')
  if (!stream || version !== '1' || !shard || after === undefined) {
    throw new ApiError('ValidationException', 'Invalid ShardIterator.')
  }
  return { stream, shard, after: after === '' ? undefined : after }
}
