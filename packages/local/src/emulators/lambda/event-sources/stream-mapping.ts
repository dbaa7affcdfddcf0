import type { MappingHost, StreamMapping, StreamRecord } from './shard-consumer.ts'
import { createLane, type Lane } from './shard-consumer.ts'

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
