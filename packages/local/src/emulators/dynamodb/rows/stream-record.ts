import { createHash } from 'node:crypto'
import { defined } from '@trunkline/protocol'
import type { Item, StreamViewType, TableDescription } from './dynalite.ts'

/** One change of one item, in the shape that Lambda receives. */
export interface StreamRecord {
  readonly eventID: string
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly eventVersion: '1.1'
  readonly eventSource: 'aws:dynamodb'
  readonly awsRegion: string
  readonly dynamodb: {
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime: number
    readonly Keys: Item
    readonly NewImage?: Item
    readonly OldImage?: Item
    /**
     * A decimal number that rises within a shard. All numbers of a stream have the same length, so string order is
     * numeric order.
     */
    readonly SequenceNumber: string
    readonly SizeBytes: number
    readonly StreamViewType: StreamViewType
  }
  readonly eventSourceARN: string
  /** Set only on deletes by TTL. */
  readonly userIdentity?: typeof TTL_IDENTITY
}

/** The identity that deletes expired items. */
export const TTL_IDENTITY = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const

/** The effect of a write on an item. An absent image means that the item did not, or does not, exist. */
export interface ItemChange {
  readonly old: Item | undefined
  readonly new: Item | undefined
  readonly expiry: boolean
}

/** A record's position in its stream. `time` is in epoch milliseconds. */
export interface RecordPlace {
  readonly sequence: string
  readonly time: number
  readonly itemSize: (item: Item) => number
}

/** Creates the record of a change. The images are copies, so a reader that changes them does not change the stream. */
export function toStreamRecord(table: TableDescription, change: ItemChange, place: RecordPlace): StreamRecord {
  const arn = table.LatestStreamArn ?? ''
  const view = table.StreamSpecification?.StreamViewType ?? 'NEW_AND_OLD_IMAGES'
  const Keys = copy(keysOf(table, change))
  const images = imagesIn(view, change)
  const sizes = [Keys, ...Object.values(images)].map(place.itemSize)
  return {
    eventID: createHash('md5').update(arn).update(place.sequence).digest('hex'),
    eventName: change.old === undefined ? 'INSERT' : change.new === undefined ? 'REMOVE' : 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: table.TableArn.split(':')[3] ?? '',
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(place.time / 1000),
      Keys,
      ...images,
      SequenceNumber: place.sequence,
      SizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      StreamViewType: view,
    },
    eventSourceARN: arn,
    ...(change.expiry && { userIdentity: TTL_IDENTITY }),
  }
}

function keysOf(table: TableDescription, change: ItemChange): Item {
  const item = change.new ?? change.old ?? {}
  return Object.fromEntries(table.KeySchema.map(({ AttributeName: name }) => [name, item[name] ?? {}]))
}

function imagesIn(view: StreamViewType, change: ItemChange): { NewImage?: Item; OldImage?: Item } {
  const wantsNew = view === 'NEW_IMAGE' || view === 'NEW_AND_OLD_IMAGES'
  const wantsOld = view === 'OLD_IMAGE' || view === 'NEW_AND_OLD_IMAGES'
  return defined({
    NewImage: wantsNew && change.new !== undefined ? copy(change.new) : undefined,
    OldImage: wantsOld && change.old !== undefined ? copy(change.old) : undefined,
  })
}

function copy(item: Item): Item {
  return JSON.parse(JSON.stringify(item))
}
