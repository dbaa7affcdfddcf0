import type { ChannelDefinition } from '../../define/definition.ts'
import { formatTopic } from '../../define/topic.ts'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

const never = 100 * 365 * 24 * 3_600 // a hundred years, in seconds: the rows of the number do not expire

/** The log that holds the number of partitions of a channel. */
export function countTopicOf(channel: Pick<ChannelDefinition, 'name'>): string {
  return `${formatTopic(channel.name, {})}/partitions`
}

/**
 * The number of partitions to publish to: the declared one, or the highest that was ever declared. It is written before
 * the first event of a partition, so that whoever reads the number later opens the partition too. Reads once in a
 * process.
 */
// [LAW-PARTITIONS]
export async function countToPublish(context: RuntimeContext, channel: ChannelDefinition): Promise<number> {
  const known = context.partitionCounts.get(channel.name)
  if (known !== undefined) return known
  const count = await countToRead(context, channel)
  const declared = channel.partitions?.count ?? 1
  if (count.written < declared) await writeCount(context, channel, declared)
  context.partitionCounts.set(channel.name, count.partitions)
  return count.partitions
}

/** The number of partitions to subscribe to, and the number that is written. One strongly consistent read. */
export async function countToRead(
  context: RuntimeContext,
  channel: ChannelDefinition,
): Promise<{ readonly partitions: number; readonly written: number }> {
  const { slots } = await context.store.readSlotsBefore(countTopicOf(channel), undefined, 1)
  const written = slots[0]?.offset ?? 1
  return { partitions: Math.max(written, channel.partitions?.count ?? 1), written }
}

/** When a partition was added, in epoch milliseconds; undefined if it has no event yet. */
export async function addedAt(
  context: RuntimeContext,
  channel: ChannelDefinition,
  index: number,
): Promise<number | undefined> {
  const { slots } = await context.store.readSlots(countTopicOf(channel), index, 1)
  return slots[0]?.time
}

async function writeCount(context: RuntimeContext, channel: ChannelDefinition, partitions: number): Promise<void> {
  const time = context.clock.now()
  const slot: Slot = {
    offset: partitions,
    epoch: 'partitions',
    publishId: randomName(context.clock, 20),
    time,
    expires: Math.ceil(time / 1_000) + never,
  }
  await context.store.putSlot(countTopicOf(channel), slot) // taken: another function has written the same number
}
