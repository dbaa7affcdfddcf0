import { withDocs } from '@trunkline/protocol'
import type { ChannelDefinition } from '../../define/definition.ts'
import { type PartitionKey, partitionOf } from '../../define/partitions.ts'
import { topicOfPartition } from '../../define/topic.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { type PublishKey, replacedError } from './append-once.ts'
import { countToPublish } from './partition-count.ts'

/** An event to publish, after its validation. */
export interface PlacedEvent extends PartitionKey {
  readonly topic: string
  readonly key: unknown
  readonly event: unknown
}

/** The partition key of an event. Throws a `TypeError` for one that is no string. */
export function partitionKeyOf(
  { name, partitions }: ChannelDefinition,
  { key, event, partitionKey }: Omit<PlacedEvent, 'topic'>,
): string | undefined {
  if (partitions === undefined && partitionKey !== undefined)
    throw new TypeError(
      withDocs(
        'declarations',
        `Channel ${name} has no partitions, so a publish takes no partitionKey. Declare partitions, or leave it out.`,
      ),
    )
  const chosen: unknown = partitionKey === undefined ? partitions?.by?.(event, key) : partitionKey
  if (chosen === undefined ? partitions?.by === undefined : typeof chosen === 'string') return chosen as string
  const got =
    chosen instanceof Promise
      ? 'a promise: partitionBy cannot be asynchronous.'
      : `${chosen === null ? chosen : typeof chosen}.`
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected the partition key of an event of channel ${name} to be a string, got ${got} Return or pass a string.`,
    ),
  )
}

/**
 * The log that an event goes to. Under a key, the first attempt records its choice before it puts anything, and every
 * later one makes the same, whatever has changed meanwhile: the number of partitions, `partitionBy`, chance.
 */
// [LAW-PARTITIONS] [TL-PART-2]
export async function choosePartition(
  context: RuntimeContext,
  channel: ChannelDefinition,
  { topic, ...placed }: PlacedEvent,
  under: PublishKey | undefined,
): Promise<string> {
  const partitionKey = partitionKeyOf(channel, placed)
  if (channel.partitions === undefined) return topic
  const count = await countToPublish(context, channel)
  const chosen =
    partitionKey === undefined ? Math.floor(context.clock.random() * count) : partitionOf(partitionKey, count)
  if (under === undefined) return topicOfPartition(topic, chosen)
  return topicOfPartition(topic, await recordChoice(context, under, chosen))
}

/** Records the partition where the base of a publish would be, so that it is recorded once. */
async function recordChoice(context: RuntimeContext, under: PublishKey, chosen: number): Promise<number> {
  const recorded = await context.store.recordBase({ ...under, publishId: `${under.publishId}/`, base: chosen })
  if (recorded.status === 'lost') throw replacedError()
  return recorded.base
}
