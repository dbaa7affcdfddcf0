import { ShardConsumer } from './shard-consumer.ts'
import type { MappingHost, StreamMapping, StreamRecord } from './stream-source.ts'

/**
 * Reads a stream from its oldest record and invokes a function with batches, until it is closed. Each shard has
 * `parallelizationFactor` independent consumers.
 */
export function createStreamMapping<R extends StreamRecord>(
  mapping: StreamMapping<R>,
  host: MappingHost,
): { close(): void } {
  const consumers = new Map<string, ShardConsumer<R>>()
  const consumersPerShard = Math.max(1, mapping.parallelizationFactor ?? 1)

  function wake(): void {
    for (const shardId of mapping.stream.shards())
      for (let index = 0; index < consumersPerShard; index += 1) consumerOf(shardId, index).wake()
  }
  function consumerOf(shardId: string, index: number): ShardConsumer<R> {
    const key = `${index}/${shardId}`
    const known = consumers.get(key)
    if (known !== undefined) return known
    const consumer = new ShardConsumer({ mapping, host, shardId, index, consumersPerShard })
    consumers.set(key, consumer)
    return consumer
  }
  const stop = mapping.stream.onRecord(wake)
  wake()
  return {
    close() {
      stop()
      for (const consumer of consumers.values()) consumer.close()
    },
  }
}
