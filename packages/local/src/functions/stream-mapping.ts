import type { LocalClock } from '../clock.ts'
import type { Activity } from './activity.ts'
import type { StreamFailureMessage } from './failure-message.ts'
import type { InvokeResult } from './lambda-function.ts'
import { createLane, type Lane } from './stream-lane.ts'

/** A record as Lambda hands it to a function; whatever else it has goes along. */
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

/** A table's stream, as the dynamodb folder gives it. */
export interface TableStreamLike<R extends StreamRecord = StreamRecord> {
  shards(): readonly string[]
  /** At most `limit` records after that sequence number, all when undefined, in the shard's order. */
  read(shardId: string, afterSequence: string | undefined, limit: number): readonly R[]
  /** Calls `listener` after a record was added; returns the way to stop that. */
  onRecord(listener: () => void): () => void
  /** The shard keeps what this reader has not passed. @default it keeps all records for 24 h */
  follow?(shardId: string): { passed(sequence: string): void; close(): void }
}

/** An event source mapping. The names and defaults are AWS's (AWS.md §1.5). */
export interface StreamMapping<R extends StreamRecord = StreamRecord> {
  readonly stream: TableStreamLike<R>
  readonly functionName: string
  /** Records that it refuses are passed over without an invocation. */
  readonly filter?: (record: R) => boolean
  /** @default 100 */
  readonly batchSize?: number
  /** −1: without end. @default -1 */
  readonly maximumRetryAttempts?: number
  /** −1: as long as the stream keeps it, 24 h. @default -1 */
  readonly maximumRecordAgeMs?: number
  readonly bisect?: boolean
  readonly reportBatchItemFailures?: boolean
  /** Batches of one shard under way at once; records of one item keep their order. @default 1 */
  readonly parallelizationFactor?: number
  readonly onFailure?: (message: StreamFailureMessage) => void
}

/** What a mapping needs of the functions. */
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

/** Reads a stream from its oldest record and invokes a function with its batches until closed: each shard, and each lane of one, by itself. */
export function createStreamMapping<R extends StreamRecord>(
  mapping: StreamMapping<R>,
  host: MappingHost,
): { close(): void } {
  const lanes = new Map<string, Lane>()
  const lanesPerShard = Math.max(1, mapping.parallelizationFactor ?? 1)
  function wake(): void {
    for (const shardId of mapping.stream.shards()) {
      for (let index = 0; index < lanesPerShard; index += 1) laneOf(shardId, index).wake()
    }
  }
  function laneOf(shardId: string, index: number): Lane {
    const key = `${index}/${shardId}`
    const known = lanes.get(key)
    if (known !== undefined) return known
    const lane = createLane({ mapping, host, shardId, index, lanesPerShard })
    lanes.set(key, lane)
    return lane
  }
  const stop = mapping.stream.onRecord(wake)
  wake()
  return {
    close() {
      stop()
      for (const lane of lanes.values()) lane.close()
    },
  }
}
