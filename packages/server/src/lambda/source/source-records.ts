import { isRecord } from '../events/events.ts'
import { fromImage, fromKeys } from './image.ts'

/** A change of a row as the stream of its table tells it, not yet validated. */
export interface SourceRecord {
  /** The change's own name: the same however often the stream repeats it. */
  readonly id: string
  /** By which the stream is told that the record failed. */
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
const wantedView = 'NEW_AND_OLD_IMAGES'
const expirer = 'dynamodb.amazonaws.com'

/** The records of a batch. Throws a `TypeError` when the event is no batch of a table's stream, an `Error` when the stream lacks images: both are mistakes of the deployment. */
export function toSourceRecords(event: unknown): readonly SourceRecord[] {
  if (!isRecord(event) || !Array.isArray(event['Records']))
    throw new TypeError('Expected a batch of a DynamoDB stream: map the stream of your table to this function.')
  return (event['Records'] as readonly unknown[]).map(toSourceRecord)
}

function toSourceRecord(record: unknown): SourceRecord {
  const { eventID: id, eventName, eventSourceARN: arn, dynamodb, userIdentity } = isRecord(record) ? record : {}
  const type = types.get(eventName)
  const change = isRecord(dynamodb) ? dynamodb : {}
  const { SequenceNumber: sequence, StreamViewType: view = wantedView } = change
  if (type === undefined || typeof id !== 'string' || typeof sequence !== 'string')
    throw new TypeError('Expected a record of a DynamoDB stream with eventID, eventName and SequenceNumber.')
  const table = tableOf(arn)
  if (view !== wantedView)
    throw new Error(`The stream of ${table} gives ${String(view)}: set its StreamViewType to ${wantedView}.`)
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

/** Each row's records, in the order of the batch: the stream orders by row and no further. */
export function byRow(records: readonly SourceRecord[]): readonly (readonly SourceRecord[])[] {
  const rows = new Map<string, SourceRecord[]>()
  for (const record of records) {
    const row = JSON.stringify([record.table, Object.entries(record.keys).sort(([a], [b]) => (a < b ? -1 : 1))])
    rows.set(row, [...(rows.get(row) ?? []), record])
  }
  return [...rows.values()]
}
