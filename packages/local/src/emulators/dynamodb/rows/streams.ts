import { createHash } from 'node:crypto'
import type { Attribute, Item, TableDescription } from './dynalite.ts'
import { type ItemChange, type StreamRecord, toStreamRecord } from './stream-record.ts'

/**
 * A table's stream, as an event source mapping reads it. The order is kept per item; items of different shards have no
 * order.
 */
export interface TableStream {
  readonly arn: string
  /** The ids of the shards, which stay the same for the stream's life. */
  shards(): readonly string[]
  /** At most `limit` records of a shard, oldest first: those after `afterSequence`, or all that were not trimmed. */
  read(shardId: string, afterSequence: string | undefined, limit: number): readonly StreamRecord[]
  /**
   * Calls `listener` for each record, before its writer gets a response. It MUST NOT throw. Returns a function that
   * unsubscribes.
   */
  onRecord(listener: (record: StreamRecord, shardId: string) => void): () => void
  /** Registers a reader: the shard keeps the records that it has not passed, for at most 24 h. */
  follow(shardId: string): StreamFollower
}

/** A registered reader that reports how far it has read. */
export interface StreamFollower {
  /** The reader no longer needs the records up to this sequence number. */
  passed(sequence: string): void
  close(): void
}

/** A stream with the operations for the table's writes and for the streams API. */
export interface StreamLog extends TableStream {
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** A sequence number below that of every record. */
  readonly origin: string
  /** The newest sequence number that was assigned, or `origin`. */
  latest(): string
  /** The newest sequence number that the shard has trimmed, or `origin`. */
  trimmed(shardId: string): string
  append(change: ItemChange): void
}

export interface StreamLogOptions {
  /** Epoch milliseconds by the clock of the table's tenant. */
  readonly now: () => number
  readonly createdAt: number
  readonly shards: number
  /** The number of records that a shard keeps after all its readers have passed them. */
  readonly keptRecords: number
  readonly itemSize: (item: Item) => number
}

const RETENTION_MS = 24 * 3_600_000 // 24 h: DynamoDB's fixed retention

interface Shard {
  readonly id: string
  readonly entries: { readonly time: number; readonly record: StreamRecord }[]
  readonly followers: Set<{ passed: string }>
  trimmed: string
}

/**
 * Creates an empty stream for a table whose description has its stream's ARN. It is kept in memory: a restart empties
 * it.
 */
export function createStreamLog(table: TableDescription, options: StreamLogOptions): StreamLog {
  // Derived from the time, so that sequence numbers also rise across restarts.
  let last = BigInt(Math.floor(options.createdAt)) * 10n ** 12n
  const origin = String(last)
  const shards = Array.from({ length: options.shards }, (_, i) => createShard(table, i, origin))
  const byId = new Map(shards.map((shard) => [shard.id, shard]))
  const listeners = new Set<(record: StreamRecord, shardId: string) => void>()

  function shardOf(id: string): Shard {
    const shard = byId.get(id)
    if (shard === undefined) throw new Error(`The stream of ${table.TableName} has no shard ${id}.`)
    trim(shard, options.now() - RETENTION_MS)
    return shard
  }
  return {
    arn: table.LatestStreamArn ?? '',
    createdAt: options.createdAt,
    origin,
    shards: () => shards.map((shard) => shard.id),
    latest: () => String(last),
    trimmed: (id) => shardOf(id).trimmed,
    read(id, afterSequence, limit) {
      const { entries } = shardOf(id)
      const from = afterSequence === undefined ? 0 : countUpTo(entries, afterSequence)
      return entries.slice(from, from + limit).map((entry) => entry.record)
    },
    append(change) {
      if (change.old === change.new) return // a delete of an item that does not exist
      if (change.old !== undefined && change.new !== undefined && isSameItem(change.old, change.new)) return
      last += 1n
      const time = options.now()
      const record = toStreamRecord(table, change, { sequence: String(last), time, itemSize: options.itemSize })
      const shard = shards[shardIndex(table, record.dynamodb.Keys, shards.length)]
      if (shard === undefined) return
      trim(shard, time - RETENTION_MS)
      shard.entries.push({ time, record })
      trimPassed(shard, options.keptRecords)
      for (const listener of listeners) listener(record, shard.id)
    },
    follow(id) {
      const shard = shardOf(id)
      const follower = { passed: origin }
      shard.followers.add(follower)
      return {
        passed(sequence) {
          follower.passed = sequence
        },
        close: () => void shard.followers.delete(follower),
      }
    },
    onRecord(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function createShard(table: TableDescription, index: number, origin: string): Shard {
  const salt = createHash('md5').update(`${table.LatestStreamArn}#${index}`).digest('hex').slice(0, 8)
  return {
    id: `shardId-${String(index).padStart(20, '0')}-${salt}`,
    entries: [],
    followers: new Set(),
    trimmed: origin,
  }
}

/** Assigns partitions to shards. All items of a partition share a shard, as in DynamoDB. */
function shardIndex(table: TableDescription, keys: Item, shards: number): number {
  const partition = keys[table.KeySchema[0]?.AttributeName ?? '']
  return createHash('md5').update(JSON.stringify(partition)).digest().readUInt32BE(0) % shards
}

function trim(shard: Shard, horizon: number): void {
  const old = shard.entries.findIndex((entry) => entry.time > horizon)
  drop(shard, old === -1 ? shard.entries.length : old)
}

/** Trims the oldest records beyond `kept`, except those that a reader has not passed. */
function trimPassed(shard: Shard, kept: number): void {
  const { entries, followers } = shard
  const beyond = entries.length - kept
  if (beyond <= 0) return
  const passed = [...followers].map((follower) => countUpTo(entries, follower.passed))
  drop(shard, Math.min(beyond, ...passed))
}

function drop(shard: Shard, count: number): void {
  const gone = shard.entries.splice(0, count)
  shard.trimmed = gone.at(-1)?.record.dynamodb.SequenceNumber ?? shard.trimmed
}

/** The number of entries up to a sequence number, by binary search. */
function countUpTo(entries: Shard['entries'], sequence: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle]?.record.dynamodb.SequenceNumber ?? '') <= sequence) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether two items have the same attributes. The order of names and of set members is irrelevant. */
function isSameItem(a: Item, b: Item): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => isSameAttribute(a[name], b[name]))
}

function isSameAttribute(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.M !== undefined) return b.M !== undefined && isSameItem(a.M, b.M)
  if (a.L !== undefined) return b.L !== undefined && isSameList(a.L, b.L)
  return isSameSet(a.SS, b.SS) && isSameSet(a.NS, b.NS) && isSameSet(a.BS, b.BS) && isSameScalar(a, b)
}

function isSameList(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  return a.length === b.length && a.every((member, i) => isSameAttribute(member, b[i]))
}

function isSameSet(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const members = new Set(b)
  return a.length === b.length && a.every((member) => members.has(member))
}

function isSameScalar(a: Attribute, b: Attribute): boolean {
  return a.S === b.S && a.N === b.N && a.B === b.B && a.BOOL === b.BOOL && a.NULL === b.NULL
}
