import type { StreamRecord } from '../rows/stream-record.ts'
import type { StreamLog } from '../rows/streams.ts'
import type { Table, TableRegistry } from '../rows/tables.ts'
import { ApiError, type Operation, optionalText, readLimit, requireText } from './api-error.ts'

type StreamOperation = 'ListStreams' | 'DescribeStream' | 'GetShardIterator' | 'GetRecords'

const MOST_BYTES = 1_048_576 // 1 MB per response of GetRecords

/** `DynamoDBStreams_20120810.*`: the API of DynamoDB Streams, for readers over HTTP. */
export function streamOperations(tables: TableRegistry): Record<StreamOperation, Operation> {
  return {
    ListStreams: (input) => {
      const name = optionalText(input, 'TableName')
      const after = optionalText(input, 'ExclusiveStartStreamArn') ?? ''
      const limit = readLimit(input, 100)
      const streams = tables
        .all()
        .flatMap((table) => (name === undefined || nameOf(table) === name ? listed(table) : []))
      const rest = streams
        .filter((stream) => stream.StreamArn > after)
        .sort((a, b) => (a.StreamArn < b.StreamArn ? -1 : 1))
      const page = rest.slice(0, limit)
      return { Streams: page, ...(rest.length > limit && { LastEvaluatedStreamArn: page.at(-1)?.StreamArn }) }
    },
    DescribeStream: (input) => {
      const { table, stream } = find(tables, requireText(input, 'StreamArn'))
      const after = optionalText(input, 'ExclusiveStartShardId') ?? ''
      const limit = readLimit(input, 100)
      const rest = stream.shards().filter((id) => id > after)
      const page = rest.slice(0, limit)
      return {
        StreamDescription: {
          ...describe(table, stream, page),
          ...(rest.length > limit && { LastEvaluatedShardId: page.at(-1) }),
        },
      }
    },
    GetShardIterator: (input) => {
      const { stream } = find(tables, requireText(input, 'StreamArn'))
      const shard = requireText(input, 'ShardId')
      if (!stream.shards().includes(shard)) throw notFound(`Shard ${shard} of stream ${stream.arn} not found`)
      const type = requireText(input, 'ShardIteratorType')
      const after = startOf(stream, shard, { type, sequence: optionalText(input, 'SequenceNumber') })
      return { ShardIterator: formatIterator({ stream: stream.arn, shard, after }) }
    },
    GetRecords: (input) => {
      const iterator = parseIterator(requireText(input, 'ShardIterator'))
      const { stream } = find(tables, iterator.stream)
      const records = readPage(stream, iterator, readLimit(input, 1000))
      const after = records.at(-1)?.dynamodb.SequenceNumber ?? iterator.after
      return { Records: records.map(toApiRecord), NextShardIterator: formatIterator({ ...iterator, after }) }
    },
  }
}

function readPage(stream: StreamLog, { shard, after }: ShardIterator, limit: number): readonly StreamRecord[] {
  if (!stream.shards().includes(shard)) throw notFound(`Shard ${shard} not found`)
  if (after !== undefined && stream.trimmed(shard) > after) throw trimmed()
  const records = stream.read(shard, after, limit)
  let bytes = 0
  const fits = records.findIndex((record, i) => {
    bytes += record.dynamodb.SizeBytes
    return i > 0 && bytes > MOST_BYTES
  })
  return fits === -1 ? records : records.slice(0, fits)
}

/** The sequence number after which an iterator starts. Undefined: the oldest record at the time of reading. */
function startOf(
  stream: StreamLog,
  shard: string,
  { type, sequence }: { readonly type: string; readonly sequence: string | undefined },
): string | undefined {
  if (type === 'TRIM_HORIZON') return undefined
  if (type === 'LATEST') return stream.latest()
  if (type !== 'AT_SEQUENCE_NUMBER' && type !== 'AFTER_SEQUENCE_NUMBER') {
    throw new ApiError('ValidationException', `1 validation error detected: ${type} is not a ShardIteratorType.`)
  }
  if (sequence === undefined || !/^\d{21,40}$/.test(sequence)) {
    throw new ApiError('ValidationException', `${type} needs a SequenceNumber of 21 to 40 digits.`)
  }
  const after = type === 'AT_SEQUENCE_NUMBER' ? String(BigInt(sequence) - 1n) : sequence
  if (stream.trimmed(shard) > after) throw trimmed()
  return after
}

/**
 * Converts a record from Lambda's format to the API's: without the ARN, and with capitalised members of `userIdentity`.
 */
function toApiRecord({ eventSourceARN: _, userIdentity, ...record }: StreamRecord): object {
  if (userIdentity === undefined) return record
  return { ...record, userIdentity: { Type: userIdentity.type, PrincipalId: userIdentity.principalId } }
}

function listed(table: Table): { StreamArn: string; StreamLabel: string | undefined; TableName: string }[] {
  if (table.stream === undefined) return []
  return [{ StreamArn: table.stream.arn, StreamLabel: table.description.LatestStreamLabel, TableName: nameOf(table) }]
}

function describe({ description }: Table, stream: StreamLog, shards: readonly string[]): object {
  return {
    StreamArn: stream.arn,
    StreamLabel: description.LatestStreamLabel,
    StreamStatus: 'ENABLED',
    StreamViewType: description.StreamSpecification?.StreamViewType,
    CreationRequestDateTime: stream.createdAt / 1000,
    TableName: description.TableName,
    KeySchema: description.KeySchema,
    Shards: shards.map((ShardId) => ({ ShardId, SequenceNumberRange: { StartingSequenceNumber: stream.origin } })),
  }
}

function find(tables: TableRegistry, arn: string): { table: Table; stream: StreamLog } {
  for (const table of tables.all()) if (table.stream?.arn === arn) return { table, stream: table.stream }
  throw notFound(`Requested resource not found: Stream: ${arn} not found`)
}

const nameOf = (table: Table): string => table.description.TableName
const notFound = (message: string): ApiError => new ApiError('ResourceNotFoundException', message)
const trimmed = (): ApiError =>
  new ApiError(
    'TrimmedDataAccessException',
    'The operation attempted to read past the oldest stream record in a shard.',
  )

/** A position in a shard: after the sequence number `after`, or before the oldest record. */
interface ShardIterator {
  readonly stream: string
  readonly shard: string
  readonly after: string | undefined
}

/** Formats an iterator as DynamoDB does: the stream's ARN, a version, and the position. */
function formatIterator({ stream, shard, after }: ShardIterator): string {
  return `${stream}|1|${Buffer.from(`${shard}/${after ?? ''}`).toString('base64')}`
}

/** Parses an iterator. Throws an `ApiError` for a text that is not one. */
function parseIterator(text: string): ShardIterator {
  const [stream, version, place] = text.split('|')
  const [shard, after] = Buffer.from(place ?? '', 'base64')
    .toString()
    .split('/')
  if (!stream || version !== '1' || !shard || after === undefined) {
    throw new ApiError('ValidationException', 'Invalid ShardIterator.')
  }
  return { stream, shard, after: after === '' ? undefined : after }
}
