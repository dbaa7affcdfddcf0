import { defined } from '@trunkline/protocol'

type Attribute = Readonly<Record<string, unknown>>
type Image = Readonly<Record<string, Attribute>>

let sequence = 0

/** Records as a table's stream hands them to a function, each with an id and a sequence number of its own. */
export interface TestRecord {
  readonly eventID: string
  readonly dynamodb: { readonly SequenceNumber: string }
}

export const text = (value: string): Attribute => ({ S: value })

/** The members of a record in addition to its images. */
interface RecordOptions {
  readonly keys?: Image
  readonly expired?: boolean
  readonly view?: string
}

function toRecord(eventName: string, images: object, keys: Image, options: RecordOptions): TestRecord {
  sequence += 1
  const number = String(sequence).padStart(21, '1')
  return {
    eventID: `event-${number}`,
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:123456789012:table/cards/stream/2026-01-01T00:00:00.000',
    dynamodb: {
      ApproximateCreationDateTime: 1_700_000_000,
      Keys: options.keys ?? keys,
      ...images,
      SequenceNumber: number,
      StreamViewType: options.view ?? 'NEW_AND_OLD_IMAGES',
    },
    ...(options.expired && { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }),
  } as TestRecord
}

const keysOf = ({ id }: Image): Image => defined({ id })

export const inserted = (NewImage: Image, options: RecordOptions = {}): TestRecord =>
  toRecord('INSERT', { NewImage }, keysOf(NewImage), options)
export const modified = (OldImage: Image, NewImage: Image, options: RecordOptions = {}): TestRecord =>
  toRecord('MODIFY', { OldImage, NewImage }, keysOf(NewImage), options)
export const removed = (OldImage: Image, options: RecordOptions = {}): TestRecord =>
  toRecord('REMOVE', { OldImage }, keysOf(OldImage), options)
