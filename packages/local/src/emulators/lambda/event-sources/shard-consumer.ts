// One file over 200 lines: the consumer is one state machine over the batches of a shard.

import { failureHead, type StreamFailureCondition } from '../invocations/destination-record.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'
import { readBatchAnswer } from './batch-response.ts'
import type { MappingHost, StreamMapping, StreamRecord } from './stream-source.ts'

interface Batch<R> {
  readonly records: readonly R[]
  readonly requestId: string
  /** Failed invocations that count as attempts: neither throttles nor those that ended in a bisection. */
  readonly attempts: number
  /** Consecutive failures including throttles. They determine the back-off. */
  readonly failures: number
  readonly lastResult?: InvokeResult
}

export interface ShardConsumerOptions<R extends StreamRecord> {
  readonly mapping: StreamMapping<R>
  readonly host: MappingHost
  readonly shardId: string
  readonly index: number
  readonly consumersPerShard: number
}

const streamRetentionMs = 24 * 60 * 60_000 // 24 h: the stream then deletes the record, so that it cannot be retried
const readLimit = 1_000 // records that one GetRecords returns

/**
 * A consumer of one shard. Its batches run one after another, and a failed batch blocks all later ones.
 *
 * It reads the whole shard and keeps the records whose keys hash to its `index`, so it needs no knowledge of the other
 * consumers' progress.
 */
export class ShardConsumer<R extends StreamRecord> {
  readonly #options: ShardConsumerOptions<R>
  readonly #mapping: StreamMapping<R>
  readonly #host: MappingHost
  readonly #follower: ReturnType<NonNullable<StreamMapping['stream']['follow']>> | undefined
  /** The sequence number of the last record that was read. */
  #after: string | undefined
  /** Bisected or failed batches. They are processed before unread records. */
  #pending: readonly Batch<R>[] = []
  #running = false
  #closed = false
  #cancelPause = () => {}

  constructor(options: ShardConsumerOptions<R>) {
    const { mapping, host, shardId } = options
    this.#options = options
    this.#mapping = mapping
    this.#host = host
    this.#follower = mapping.stream.follow?.(shardId)
  }

  /** Notifies the consumer that there may be new records. */
  wake(): void {
    if (this.#running || this.#closed) return
    this.#running = true
    const done = this.#host.activity.begin()
    setImmediate(() => {
      if (!this.#closed) void this.#run() // runs until the first invocation, which counts its own activity
      done()
    })
  }

  close(): void {
    this.#closed = true
    this.#follower?.close()
    this.#cancelPause()
  }

  async #run(): Promise<void> {
    for (let batch = this.#next(); batch !== undefined && !this.#closed; batch = this.#next()) {
      const fresh = this.#dropExpired(batch)
      if (fresh.records.length === 0) continue
      const result = await this.#invoke(fresh)
      if (this.#closed) return
      const pauseMs = this.#settle(fresh, result)
      if (pauseMs > 0) await this.#pause(pauseMs)
    }
    this.#running = false
  }

  #next(): Batch<R> | undefined {
    const [first, ...rest] = this.#pending
    if (first === undefined) return this.#readBatch()
    this.#pending = rest
    return first
  }

  #readBatch(): Batch<R> | undefined {
    const { stream, batchSize = 100 } = this.#mapping
    const records: R[] = []
    while (records.length < batchSize) {
      const page = stream.read(this.#options.shardId, this.#after, readLimit)
      if (page.length === 0) break
      for (const record of page) {
        if (records.length === batchSize) break
        this.#after = record.dynamodb.SequenceNumber
        if (this.#isMine(record) && this.#passes(record)) records.push(record)
      }
    }
    if (this.#after !== undefined) this.#follower?.passed(this.#after)
    if (records.length === 0) return undefined
    return { records, requestId: this.#host.newRequestId(), attempts: 0, failures: 0 }
  }

  #isMine(record: R): boolean {
    const { consumersPerShard, index } = this.#options
    return consumersPerShard === 1 || hash(JSON.stringify(record.dynamodb.Keys)) % consumersPerShard === index
  }

  /** A filter that throws rejects the record: AWS drops records that do not have the pattern's shape. */
  #passes(record: R): boolean {
    try {
      return this.#mapping.filter?.(record) ?? true
    } catch {
      return false
    }
  }

  /** Sends records that are too old for another attempt to the on-failure destination. The rest of the batch stays. */
  #dropExpired(batch: Batch<R>): Batch<R> {
    const now = this.#host.clock.now()
    const isOld = (record: R) => now - arrivalMs(record, now) > maximumAgeMs(this.#mapping)
    const old = batch.records.filter(isOld)
    if (old.length === 0) return batch
    this.#fail({ ...batch, records: old }, 'RecordAgeExceeded')
    return { ...batch, records: batch.records.filter((record) => !isOld(record)) }
  }

  #invoke(batch: Batch<R>): Promise<InvokeResult> {
    const run = { requestId: batch.requestId, attempt: batch.attempts + 1 }
    return this.#host.invoke(this.#mapping.functionName, { Records: batch.records }, run)
  }

  /**
   * Puts the rest of a batch back in front, or sends it to the on-failure destination. Returns how long to wait, in
   * milliseconds of the clock.
   */
  #settle(batch: Batch<R>, result: InvokeResult): number {
    const { bisect = false, maximumRetryAttempts: limit = -1 } = this.#mapping
    const failures = batch.failures + 1
    if (result.status === 'throttled') return this.#putBack({ ...batch, failures, lastResult: result })
    const failedAt = this.#firstFailed(batch, result)
    if (failedAt === undefined) return 0
    const left = { ...batch, records: batch.records.slice(failedAt), failures, lastResult: result }
    if (bisect && failedAt > 0) return this.#putBack({ ...left, failures: 0 }) // splits at the failed record
    if (bisect && left.records.length > 1) return this.#bisect(left)
    const tried = { ...left, attempts: batch.attempts + 1 }
    if (limit < 0 || tried.attempts <= limit) return this.#putBack(tried)
    this.#fail(tried, 'RetryAttemptsExhausted')
    return 0
  }

  #firstFailed(batch: Batch<R>, result: InvokeResult): number | undefined {
    if (result.status !== 'ok') return 0
    if (!this.#mapping.reportBatchItemFailures) return undefined
    const sequenceNumbers = batch.records.map((record) => record.dynamodb.SequenceNumber)
    const answer = readBatchAnswer(result.payload, sequenceNumbers)
    return answer === 'succeeded' ? undefined : answer.index
  }

  #putBack(batch: Batch<R>): number {
    this.#pending = [batch, ...this.#pending]
    return backOffMs(batch.failures)
  }

  #bisect(batch: Batch<R>): number {
    const middle = Math.ceil(batch.records.length / 2)
    const half = (records: readonly R[]) => ({
      ...batch,
      records,
      requestId: this.#host.newRequestId(),
      failures: 0,
    })
    this.#pending = [half(batch.records.slice(0, middle)), half(batch.records.slice(middle)), ...this.#pending]
    return 0
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancelPause = this.#host.clock.after(ms, resolve)
    })
  }

  #fail({ records, requestId, attempts, lastResult }: Batch<R>, condition: StreamFailureCondition): void {
    const [first] = records
    const last = records.at(-1)
    if (first === undefined || last === undefined) return
    const { clock } = this.#host
    const { functionName } = this.#mapping
    this.#mapping.onFailure?.({
      ...failureHead({ clock, functionName, requestId, condition, invokeCount: attempts, result: lastResult }),
      DDBStreamBatchInfo: {
        shardId: this.#options.shardId,
        startSequenceNumber: first.dynamodb.SequenceNumber,
        endSequenceNumber: last.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: arrivalText(first, clock.now()),
        approximateArrivalOfLastRecord: arrivalText(last, clock.now()),
        batchSize: records.length,
        streamArn: first.eventSourceARN ?? '',
      },
    })
  }
}

/**
 * The first retry is immediate, so that a single failure recovers without the clock moving. Then 250 ms (Lambda's
 * polling interval), doubling up to a minute.
 */
function backOffMs(failures: number): number {
  return failures < 2 ? 0 : Math.min(250 * 2 ** (failures - 2), 60_000)
}

function maximumAgeMs({ maximumRecordAgeMs = -1 }: Pick<StreamMapping, 'maximumRecordAgeMs'>): number {
  return maximumRecordAgeMs < 0 ? streamRetentionMs : Math.min(maximumRecordAgeMs, streamRetentionMs)
}

function arrivalMs(record: StreamRecord, now: number): number {
  const seconds = record.dynamodb.ApproximateCreationDateTime
  return seconds === undefined ? now : seconds * 1_000
}

function arrivalText(record: StreamRecord, now: number): string {
  return `${new Date(arrivalMs(record, now)).toISOString().slice(0, 19)}Z`
}

/** FNV-1a: it only has to spread items over consumers. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
