import { ApiError } from './api-error.ts'

/** Where a reader of a shard stands: behind `after`, or before the oldest record. */
export interface ShardIterator {
  readonly stream: string
  readonly shard: string
  readonly after: string | undefined
}

/** The text that a reader hands back: the stream's ARN, a version, and the place, as DynamoDB's own looks. */
export function formatIterator({ stream, shard, after }: ShardIterator): string {
  return `${stream}|1|${Buffer.from(`${shard}/${after ?? ''}`).toString('base64')}`
}

/** The reverse. Throws an `ApiError` for a text that is no iterator. */
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
