import type { AttributeValue, DynamoDBStreamsClient, Shard } from '@aws-sdk/client-dynamodb-streams'
import { defined } from '@trunkline/protocol'
import type { Attribute, Item } from '../rows/dynalite.ts'
import type { ItemChange } from '../rows/stream-record.ts'

interface Position {
  /** Undefined after a closed shard was read to its end. */
  iterator: string | undefined
  sequence: string | undefined
}

export interface StreamReaderOptions {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly arn: string
  /** The position at which existing shards are read. Later shards are read from their beginning. */
  readonly from: 'TRIM_HORIZON' | 'LATEST'
  readonly append: (change: ItemChange) => void
}

/** Creates a reader of all shards of a stream, at the position `from`. */
export async function createStreamReader(options: StreamReaderOptions): Promise<StreamReader> {
  const reader = new StreamReader(options, await import('./remote-sdk.ts'))
  await reader.open()
  return reader
}

/**
 * Reads a stream through its API. It reads parent shards before their children, so that each item's records keep their
 * order.
 */
export class StreamReader {
  readonly #options: StreamReaderOptions
  readonly #sdk: typeof import('./remote-sdk.ts')
  readonly #client: DynamoDBStreamsClient
  readonly #positions = new Map<string, Position>()
  #reading: Promise<number> | undefined

  constructor(options: StreamReaderOptions, sdk: typeof import('./remote-sdk.ts')) {
    const { endpoint, region, credentials } = options
    this.#options = options
    this.#sdk = sdk
    this.#client = new sdk.DynamoDBStreamsClient({ endpoint, region, credentials })
  }

  /** Finds the positions of the existing shards. */
  async open(): Promise<void> {
    for (const { ShardId: id = '' } of await this.#shards())
      this.#positions.set(id, { iterator: await this.#iteratorOf(id, this.#options.from), sequence: undefined })
  }

  /**
   * Appends the records since the last call. Resolves to their number. If a read is in progress, it waits for it and
   * then reads again.
   */
  async read(): Promise<number> {
    if (this.#reading !== undefined) await this.#reading.catch(() => 0) // it started before this call
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  close(): void {
    this.#client.destroy()
  }

  async #readAll(): Promise<number> {
    let count = 0
    for (const { ShardId: id = '', ParentShardId: parent = '' } of parentsFirst(await this.#shards())) {
      if (this.#positions.get(parent)?.iterator !== undefined) continue // its parent is not read to the end
      const known = this.#positions.get(id)
      const position = known ?? { iterator: await this.#iteratorOf(id, 'TRIM_HORIZON'), sequence: undefined }
      this.#positions.set(id, position)
      count += await this.#readShard(id, position)
    }
    return count
  }

  async #readShard(id: string, position: Position): Promise<number> {
    let count = 0
    while (position.iterator !== undefined) {
      const page = await this.#getPage(id, position)
      for (const { eventName, dynamodb, userIdentity } of page.Records ?? []) {
        const old = dynamodb?.OldImage && toItem(dynamodb.OldImage)
        const next = dynamodb?.NewImage && toItem(dynamodb.NewImage)
        position.sequence = dynamodb?.SequenceNumber ?? position.sequence
        const expiry = userIdentity?.Type === 'Service'
        this.#options.append({ old, new: eventName === 'REMOVE' ? undefined : next, expiry })
        count += 1
      }
      position.iterator = page.NextShardIterator
      if ((page.Records ?? []).length === 0) break
    }
    return count
  }

  /** Reads a page. An iterator expires after minutes, so a machine that was suspended needs a new one. */
  async #getPage(id: string, position: Position) {
    const sdk = this.#sdk
    try {
      return await this.#client.send(new sdk.GetRecordsCommand({ ShardIterator: position.iterator }))
    } catch (error) {
      if (error instanceof sdk.TrimmedDataAccessException) position.sequence = undefined
      else if (!(error instanceof sdk.ExpiredIteratorException)) throw error
      position.iterator = await this.#iteratorOf(id, 'TRIM_HORIZON', position.sequence)
      return this.#client.send(new sdk.GetRecordsCommand({ ShardIterator: position.iterator }))
    }
  }

  async #shards(): Promise<readonly Shard[]> {
    const shards: Shard[] = []
    let ExclusiveStartShardId: string | undefined
    do {
      const input = defined({ StreamArn: this.#options.arn, ExclusiveStartShardId })
      const { StreamDescription } = await this.#client.send(new this.#sdk.DescribeStreamCommand(input))
      shards.push(...(StreamDescription?.Shards ?? []))
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId
    } while (ExclusiveStartShardId !== undefined)
    return shards
  }

  /** The iterator after a sequence number, or the one at `type` when there is none. */
  async #iteratorOf(ShardId: string, type: 'TRIM_HORIZON' | 'LATEST', sequence?: string) {
    const place =
      sequence === undefined
        ? { ShardIteratorType: type }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, SequenceNumber: sequence }
    const command = new this.#sdk.GetShardIteratorCommand({ StreamArn: this.#options.arn, ShardId, ...place })
    const { ShardIterator } = await this.#client.send(command)
    return ShardIterator
  }
}

function parentsFirst(shards: readonly Shard[]): readonly Shard[] {
  const placed = new Set<string>()
  const rest = [...shards]
  const ordered: Shard[] = []
  while (rest.length > 0) {
    const at = rest.findIndex(
      ({ ParentShardId: parent }) =>
        parent === undefined || placed.has(parent) || !rest.some((one) => one.ShardId === parent),
    )
    const [shard] = rest.splice(Math.max(at, 0), 1)
    if (shard === undefined) break
    placed.add(shard.ShardId ?? '')
    ordered.push(shard)
  }
  return ordered
}

/** Converts to the JSON format, in which bytes are base64. */
function toItem(image: Readonly<Record<string, AttributeValue>>): Item {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, toAttribute(value)]))
}

function toAttribute(value: AttributeValue): Attribute {
  if (value.B !== undefined) return { B: toBase64(value.B) }
  if (value.BS !== undefined) return { BS: value.BS.map(toBase64) }
  if (value.L !== undefined) return { L: value.L.map(toAttribute) }
  if (value.M !== undefined) return { M: toItem(value.M) }
  return value as Attribute // strings, numbers and booleans are the same in both formats
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
