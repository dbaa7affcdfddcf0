import type * as core from 'zod/v4/core'
import type { Channel, Erased, Page, Published, PublishOptions, ReadOptions } from './channel.ts'
import type { Entry } from './entry.ts'
import type { PartitionKey } from './partitions.ts'
import type { SubscribeOptions, Subscription } from './subscription.ts'
import type { EventSchema, KeySchema } from './topic.ts'

/**
 * A channel whose topics have several logs each. A topic takes more events a second; events are in order within a
 * partition key alone.
 */
export interface PartitionedChannel<K extends KeySchema, E extends EventSchema>
  extends Pick<Channel<K, E>, 'name' | 'key' | 'event'> {
  /** The number that was declared. */
  readonly partitions: number
  /**
   * As `publish` of a channel, to the partition of the event's key. Throws a `TypeError` for a partition key that is no
   * string.
   */
  publish(key: core.input<K>, event: core.input<E>, options?: PublishOptions & PartitionKey): Promise<Published>
  /**
   * The events of one topic. A client with `mergePartitions` gets those of all partitions as one subscription. With
   * `partition`, the events of one partition alone, for every client. `replay` counts for each partition. Throws a
   * `TRPCError` BAD_REQUEST if the key, `replay` or `partition` is invalid.
   */
  subscribe(
    key: core.input<K>,
    options?: SubscribeOptions & { readonly partition?: number },
  ): Subscription<core.output<E>>
  /**
   * A page of one partition, newest event last. There is no order between partitions, so there is no page of all.
   * Throws a `TRPCError` BAD_REQUEST if an option is out of range or a cursor is invalid.
   */
  read(
    key: core.input<K>,
    options: ReadOptions & {
      /** From 0. */
      readonly partition: number
    },
  ): Promise<Page<core.output<E>>>
  /** Erases the data of one event, named by its `id`, which names its partition. */
  erase(key: core.input<K>, event: string): Promise<Erased>
  /** An event to publish, as a value for `publishBatch`. It is validated when it is published. */
  entry(key: core.input<K>, event: core.input<E>, options?: PartitionKey): Entry
}
