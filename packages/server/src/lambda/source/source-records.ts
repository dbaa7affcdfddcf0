import { withDocs } from '@trunkline/protocol'
import { describeValue } from '../../define/describe-value.ts'
import { isRecord } from '../events/events.ts'
import { fromImage, fromKeys } from './image.ts'

/** A change of a row, as a stream record has it. Its images are not validated. */
export interface SourceRecord {
  /** The id of the change. It stays the same when the stream repeats the record. */
  readonly id: string
  /** The sequence number, which reports that the record failed. */
  readonly sequence: string
  /** The table's name. */
  readonly table: string
  readonly keys: Readonly<Record<string, string | number>>
  readonly type: 'insert' | 'modify' | 'remove'
  readonly newImage: Readonly<Record<string, unknown>>
  readonly oldImage: Readonly<Record<string, unknown>>
  readonly at: Date
  readonly expired: boolean
}

const types = new Map<unknown, SourceRecord['type']>([
  ['INSERT', 'insert'],
  ['MODIFY', 'modify'],
  ['REMOVE', 'remove'],
])
const requiredView = 'NEW_AND_OLD_IMAGES'
const expirer = 'dynamodb.amazonaws.com' // deletes rows by TTL

/**
 * The records of a batch. Throws a `TypeError` if the event is not a batch of a table's stream, and an `Error` if the
 * stream lacks images. Both are errors of the deployment.
 */
export function toSourceRecords(event: unknown): readonly SourceRecord[] {
  if (!isRecord(event) || !Array.isArray(event['Records']))
    throw new TypeError(
      withDocs(
        'invocations',
        `Expected a batch of a DynamoDB stream, got ${describeValue(event)} Map the stream of your table to this function.`,
      ),
    )
  return (event['Records'] as readonly unknown[]).map(toSourceRecord)
}

function toSourceRecord(record: unknown): SourceRecord {
  const { eventID: id, eventName, eventSourceARN: arn, dynamodb, userIdentity } = isRecord(record) ? record : {}
  const type = types.get(eventName)
  const change = isRecord(dynamodb) ? dynamodb : {}
  const { SequenceNumber: sequence, StreamViewType: view = requiredView } = change
  if (type === undefined || typeof id !== 'string' || typeof sequence !== 'string')
    throw new TypeError(
      withDocs(
        'invocations',
        `Expected a record of a DynamoDB stream with eventID, eventName and SequenceNumber, got ${describeValue(record)} Map the stream of your table to this function.`,
      ),
    )
  const table = tableOf(arn)
  if (view !== requiredView)
    throw new Error(
      withDocs(
        'invocations',
        `Expected the stream of ${table} to have the StreamViewType ${requiredView}, got ${String(view)}. Set its StreamViewType to ${requiredView}.`,
      ),
    )
  return {
    id,
    sequence,
    table,
    keys: fromKeys(change['Keys']),
    type,
    newImage: fromImage(change['NewImage']),
    oldImage: fromImage(change['OldImage']),
    at: new Date(Number(change['ApproximateCreationDateTime']) * 1_000),
    expired: isRecord(userIdentity) && userIdentity['principalId'] === expirer && userIdentity['type'] === 'Service',
  }
}

/** `arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<time>` */
function tableOf(arn: unknown): string {
  return String(arn).split('/')[1] ?? 'the table'
}

/** The records by row, each in the order of the batch: a stream orders the changes of one row only. */
export function byRow(records: readonly SourceRecord[]): readonly (readonly SourceRecord[])[] {
  const rows = new Map<string, SourceRecord[]>()
  for (const record of records) {
    const row = JSON.stringify([record.table, Object.entries(record.keys).sort(([a], [b]) => (a < b ? -1 : 1))])
    rows.set(row, [...(rows.get(row) ?? []), record])
  }
  return [...rows.values()]
}
