import type { LocalClock } from '../../clock.ts'
import type { StreamFailureMessage } from '../invocations/destination-record.ts'
import type { Activity } from '../invocations/in-flight.ts'
import type { InvokeResult } from '../invocations/lambda-function.ts'

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
