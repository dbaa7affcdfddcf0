// One file over 200 lines: the consumer is one state machine, and the types at the end are its settings.

import type { LocalClock } from '../../clock.ts'
import {
  failureHead,
  type StreamFailureCondition,
  type StreamFailureMessage,
} from '../invocations/destination-record.ts'
import type { Activity } from '../invocations/in-flight.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'
import { readBatchAnswer } from './batch-response.ts'

/** A consumer of one shard. Its batches run one after another, and a failed batch blocks all later ones. */
export interface ShardConsumer {
  /** Notifies the consumer that there may be new records. */
  wake(): void
  close(): void
}

interface Batch<R> {
  readonly records: readonly R[]
  readonly requestId: string
  /** Failed invocations that count as attempts: neither throttles nor those that ended in a bisection. */
  readonly attempts: number
  /** Consecutive failures including throttles. They determine the back-off. */
  readonly failures: number
  readonly lastResult?: InvokeResult
}

const streamRetentionMs = 24 * 60 * 60_000 // 24 h: the stream then deletes the record, so that it cannot be retried
const readLimit = 1_000 // records that one GetRecords returns

/**
 * Creates a consumer. It reads the whole shard and keeps the records whose keys hash to its `index`, so it needs no
 * knowledge of the other consumers' progress.
 */
export function createShardConsumer<R extends StreamRecord>(options: {
  readonly mapping: StreamMapping<R>
  readonly host: MappingHost
  readonly shardId: string
  readonly index: number
  readonly consumersPerShard: number
}): ShardConsumer {
  const { mapping, host, shardId } = options
  const batchSize = mapping.batchSize ?? 100
  const follower = mapping.stream.follow?.(shardId)
  let after: string | undefined
  let waiting: readonly Batch<R>[] = [] // bisected or failed batches, processed before unread records
  let running = false
  let closed = false
  let cancelPause = () => {}

  function wake(): void {
    if (running || closed) return
    running = true
    const done = host.activity.begin()
    setImmediate(() => {
      if (!closed) void run() // runs until the first invocation, which counts its own activity
      done()
    })
  }
  async function run(): Promise<void> {
    for (let batch = next(); batch !== undefined && !closed; batch = next()) {
      const fresh = dropExpired(batch)
      if (fresh.records.length === 0) continue
      const result = await invoke(fresh)
      if (closed) return
      const pauseMs = settle(fresh, result)
      if (pauseMs > 0) await pause(pauseMs)
    }
    running = false
  }
  function next(): Batch<R> | undefined {
    const [first, ...rest] = waiting
    if (first === undefined) return readBatch()
    waiting = rest
    return first
  }
  function readBatch(): Batch<R> | undefined {
    const records: R[] = []
    while (records.length < batchSize) {
      const page = mapping.stream.read(shardId, after, readLimit)
      if (page.length === 0) break
      for (const record of page) {
        if (records.length === batchSize) break
        after = record.dynamodb.SequenceNumber
        if (isMine(record) && passes(record)) records.push(record)
      }
    }
    if (after !== undefined) follower?.passed(after)
    if (records.length === 0) return undefined
    return { records, requestId: host.newRequestId(), attempts: 0, failures: 0 }
  }
  const isMine = (record: R) =>
    options.consumersPerShard === 1 ||
    hash(JSON.stringify(record.dynamodb.Keys)) % options.consumersPerShard === options.index
  /** A filter that throws rejects the record: AWS drops records that do not have the pattern's shape. */
  function passes(record: R): boolean {
    try {
      return mapping.filter?.(record) ?? true
    } catch {
      return false
    }
  }

  /** Sends records that are too old for another attempt to the on-failure destination. The rest of the batch stays. */
  function dropExpired(batch: Batch<R>): Batch<R> {
    const isOld = (record: R) => host.clock.now() - arrivalMs(record, host.clock.now()) > maximumAgeMs(mapping)
    const old = batch.records.filter(isOld)
    if (old.length > 0) fail({ ...batch, records: old }, 'RecordAgeExceeded')
    return old.length === 0 ? batch : { ...batch, records: batch.records.filter((record) => !isOld(record)) }
  }
  function invoke(batch: Batch<R>): Promise<InvokeResult> {
    const run = { requestId: batch.requestId, attempt: batch.attempts + 1 }
    return host.invoke(mapping.functionName, { Records: batch.records }, run)
  }
  /**
   * Puts the rest of a batch back in front, or sends it to the on-failure destination. Returns how long to wait, in
   * milliseconds of the clock.
   */
  function settle(batch: Batch<R>, result: InvokeResult): number {
    const failures = batch.failures + 1
    if (result.status === 'throttled') return putBack({ ...batch, failures, lastResult: result })
    const failedAt = firstFailed(batch, result)
    if (failedAt === undefined) return 0
    const left = { ...batch, records: batch.records.slice(failedAt), failures, lastResult: result }
    if (mapping.bisect && failedAt > 0) return putBack({ ...left, failures: 0 }) // splits at the failed record
    if (mapping.bisect && left.records.length > 1) return bisect(left)
    const tried = { ...left, attempts: batch.attempts + 1 }
    const limit = mapping.maximumRetryAttempts ?? -1
    if (limit < 0 || tried.attempts <= limit) return putBack(tried)
    fail(tried, 'RetryAttemptsExhausted')
    return 0
  }
  function firstFailed(batch: Batch<R>, result: InvokeResult): number | undefined {
    if (result.status !== 'ok') return 0
    if (!mapping.reportBatchItemFailures) return undefined
    const answer = readBatchAnswer(
      result.payload,
      batch.records.map((record) => record.dynamodb.SequenceNumber),
    )
    return answer === 'succeeded' ? undefined : answer.index
  }
  function putBack(batch: Batch<R>): number {
    waiting = [batch, ...waiting]
    return backOffMs(batch.failures)
  }
  function bisect(batch: Batch<R>): number {
    const middle = Math.ceil(batch.records.length / 2)
    const half = (records: readonly R[]) => ({ ...batch, records, requestId: host.newRequestId(), failures: 0 })
    waiting = [half(batch.records.slice(0, middle)), half(batch.records.slice(middle)), ...waiting]
    return 0
  }
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      cancelPause = host.clock.after(ms, resolve)
    })
  }
  function fail(batch: Batch<R>, condition: StreamFailureCondition): void {
    const [first] = batch.records
    const last = batch.records.at(-1)
    if (first === undefined || last === undefined) return
    mapping.onFailure?.({
      ...failureHead({
        clock: host.clock,
        functionName: mapping.functionName,
        requestId: batch.requestId,
        condition,
        invokeCount: batch.attempts,
        result: batch.lastResult,
      }),
      DDBStreamBatchInfo: {
        shardId,
        startSequenceNumber: first.dynamodb.SequenceNumber,
        endSequenceNumber: last.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: arrivalText(first),
        approximateArrivalOfLastRecord: arrivalText(last),
        batchSize: batch.records.length,
        streamArn: first.eventSourceARN ?? '',
      },
    })
  }
  const arrivalText = (record: R) => `${new Date(arrivalMs(record, host.clock.now())).toISOString().slice(0, 19)}Z`
  return {
    wake,
    close() {
      closed = true
      follower?.close()
      cancelPause()
    },
  }
}

/**
 * The first retry is immediate, so that a single failure recovers without the clock moving. Then 250 ms (Lambda's
 * polling interval), doubling up to a minute.
 */
function backOffMs(failures: number): number {
  return failures < 2 ? 0 : Math.min(250 * 2 ** (failures - 2), 60_000)
}

function maximumAgeMs(mapping: { readonly maximumRecordAgeMs?: number }): number {
  const asked = mapping.maximumRecordAgeMs ?? -1
  return asked < 0 ? streamRetentionMs : Math.min(asked, streamRetentionMs)
}

function arrivalMs(record: StreamRecord, now: number): number {
  const seconds = record.dynamodb.ApproximateCreationDateTime
  return seconds === undefined ? now : seconds * 1_000
}

/** FNV-1a: it only has to spread items over consumers. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

/** The functions emulator, as a mapping uses it. */
export interface MappingHost {
  readonly clock: LocalClock
  readonly activity: Activity
  newRequestId(): string
  invoke(
    functionName: string,
    event: unknown,
    run: { readonly requestId: string; readonly attempt: number },
  ): Promise<InvokeResult>
}

/** An event source mapping. Names and defaults are AWS's. */
export interface StreamMapping<R extends StreamRecord = StreamRecord> {
  readonly stream: TableStreamLike<R>
  readonly functionName: string
  /** Records for which it returns false are skipped without an invocation. */
  readonly filter?: (record: R) => boolean
  /** @default 100 */
  readonly batchSize?: number
  /** −1: unlimited. @default -1 */
  readonly maximumRetryAttempts?: number
  /** −1: as long as the stream keeps the record, 24 h. @default -1 */
  readonly maximumRecordAgeMs?: number
  readonly bisect?: boolean
  readonly reportBatchItemFailures?: boolean
  /** Concurrent batches per shard. Records of one item keep their order. @default 1 */
  readonly parallelizationFactor?: number
  readonly onFailure?: (message: StreamFailureMessage) => void
}

/** A record as Lambda passes it to a function. Other members are passed unchanged. */
export interface StreamRecord {
  readonly eventName?: string
  readonly eventSourceARN?: string
  readonly dynamodb: {
    readonly SequenceNumber: string
    readonly Keys?: object
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime?: number
  }
}

/** A table's stream, as the DynamoDB emulator provides it. */
export interface TableStreamLike<R extends StreamRecord = StreamRecord> {
  shards(): readonly string[]
  /** At most `limit` records after that sequence number (from the oldest when undefined), in the shard's order. */
  read(shardId: string, afterSequence: string | undefined, limit: number): readonly R[]
  /** Calls `listener` after a record was added. Returns a function that unsubscribes. */
  onRecord(listener: () => void): () => void
  /**
   * Registers a reader: the shard keeps the records that it has not passed. @default the shard keeps all records for 24
   * h
   */
  follow?(shardId: string): { passed(sequence: string): void; close(): void }
}
