import type { AttributeValue, Shard } from '@aws-sdk/client-dynamodb-streams'
import type { Attribute, Item } from '../rows/dynalite.ts'
import type { ItemChange } from '../rows/stream-record.ts'

/** Reads a stream through its API. */
export interface StreamReader {
  /**
   * Appends the records since the last call. Resolves to their number. If a read is in progress, it waits for it and
   * then reads again.
   */
  read(): Promise<number>
  close(): void
}

interface Position {
  /** Undefined after a closed shard was read to its end. */
  iterator: string | undefined
  sequence: string | undefined
}

/**
 * Creates a reader of all shards. It reads parents before their children, so that each item's records keep their order.
 */
export async function createStreamReader(options: {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly arn: string
  /** The position at which existing shards are read. Later shards are read from their beginning. */
  readonly from: 'TRIM_HORIZON' | 'LATEST'
  readonly append: (change: ItemChange) => void
}): Promise<StreamReader> {
  const { endpoint, region, credentials, arn, append } = options
  const sdk = await import('./remote-sdk.ts')
  const client = new sdk.DynamoDBStreamsClient({ endpoint, region, credentials })
  const positions = new Map<string, Position>()
  let reading: Promise<number> | undefined

  async function shardsOf(): Promise<readonly Shard[]> {
    const shards: Shard[] = []
    let ExclusiveStartShardId: string | undefined
    do {
      const input = { StreamArn: arn, ...(ExclusiveStartShardId && { ExclusiveStartShardId }) }
      const { StreamDescription } = await client.send(new sdk.DescribeStreamCommand(input))
      shards.push(...(StreamDescription?.Shards ?? []))
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId
    } while (ExclusiveStartShardId !== undefined)
    return shards
  }
  async function iteratorOf(ShardId: string, type: 'TRIM_HORIZON' | 'LATEST', sequence?: string) {
    const place =
      sequence === undefined
        ? { ShardIteratorType: type }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, SequenceNumber: sequence }
    const { ShardIterator } = await client.send(new sdk.GetShardIteratorCommand({ StreamArn: arn, ShardId, ...place }))
    return ShardIterator
  }
  async function readShard(id: string, position: Position): Promise<number> {
    let count = 0
    while (position.iterator !== undefined) {
      const page = await getPage(id, position)
      for (const { eventName, dynamodb, userIdentity } of page.Records ?? []) {
        const old = dynamodb?.OldImage && toItem(dynamodb.OldImage)
        const next = dynamodb?.NewImage && toItem(dynamodb.NewImage)
        position.sequence = dynamodb?.SequenceNumber ?? position.sequence
        append({ old, new: eventName === 'REMOVE' ? undefined : next, expiry: userIdentity?.Type === 'Service' })
        count += 1
      }
      position.iterator = page.NextShardIterator
      if ((page.Records ?? []).length === 0) break
    }
    return count
  }
  /** Reads a page. An iterator expires after minutes, so a machine that was suspended needs a new one. */
  async function getPage(id: string, position: Position) {
    try {
      return await client.send(new sdk.GetRecordsCommand({ ShardIterator: position.iterator }))
    } catch (error) {
      if (error instanceof sdk.TrimmedDataAccessException) position.sequence = undefined
      else if (!(error instanceof sdk.ExpiredIteratorException)) throw error
      position.iterator = await iteratorOf(id, 'TRIM_HORIZON', position.sequence)
      return client.send(new sdk.GetRecordsCommand({ ShardIterator: position.iterator }))
    }
  }
  async function readAll(): Promise<number> {
    let count = 0
    for (const { ShardId: id = '', ParentShardId: parent = '' } of parentsFirst(await shardsOf())) {
      if (positions.get(parent)?.iterator !== undefined) continue // its parent is not read to the end
      const known = positions.get(id)
      const position = known ?? { iterator: await iteratorOf(id, 'TRIM_HORIZON'), sequence: undefined }
      positions.set(id, position)
      count += await readShard(id, position)
    }
    return count
  }
  for (const { ShardId: id = '' } of await shardsOf())
    positions.set(id, { iterator: await iteratorOf(id, options.from), sequence: undefined })
  return {
    async read() {
      if (reading !== undefined) await reading.catch(() => 0) // it started before this call
      reading ??= readAll().finally(() => {
        reading = undefined
      })
      return reading
    },
    close: () => client.destroy(),
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
