import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../../define/definition.ts'
import { formatTopic } from '../../define/topic.ts'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { KnownCount } from '../context/shard-hints.ts'

const never = 100 * 365 * 24 * 3_600 // a hundred years, in seconds: the rows of the number do not expire

/** The log that holds the number of partitions of a channel. */
function countTopicOf(channel: Pick<ChannelDefinition, 'name'>): string {
  return `${formatTopic(channel.name, {})}/partitions`
}

/**
 * The number of partitions to publish to: the declared one, or the highest that was ever declared. It is written before
 * the first event of a partition, so that a subscribe which reads it later opens that partition. Read once in a process.
 */
// [LAW-PARTITIONS]
export async function countToPublish(context: RuntimeContext, channel: ChannelDefinition): Promise<number> {
  const known = context.partitionCounts.get(channel.name)
  if (known?.isWritten) return known.partitions
  const declared = channel.partitions?.count ?? 1
  const { partitions, written } = await countToRead(context, channel)
  if (declared > 1) await writeCount(context, channel, { from: written, to: declared })
  return noteCount(context, channel, { partitions, readAt: context.clock.now(), isWritten: true })
}

/** The number for an answer that need not have the newest one: at most a minute old. */
export async function countToSync(context: RuntimeContext, channel: ChannelDefinition): Promise<number> {
  const now = context.clock.now()
  const known = context.partitionCounts.get(channel.name)
  if (known !== undefined && Math.abs(now - known.readAt) < freshMs) return known.partitions
  const { partitions } = await countToRead(context, channel)
  return noteCount(context, channel, { partitions, readAt: now, isWritten: false })
}

/** Notes what was read. A slow read may end after a newer one, and must not take back what is known. */
function noteCount({ partitionCounts }: RuntimeContext, { name }: ChannelDefinition, read: KnownCount): number {
  const known = partitionCounts.get(name)
  const partitions = Math.max(read.partitions, known?.partitions ?? 1)
  partitionCounts.set(name, { ...read, partitions, isWritten: read.isWritten || known?.isWritten === true })
  return partitions
}

const freshMs = 60_000

/** The number of partitions to subscribe to, and the number that is written. One strongly consistent read. */
export async function countToRead(
  context: RuntimeContext,
  channel: Pick<ChannelDefinition, 'name' | 'partitions'>,
): Promise<{ readonly partitions: number; readonly written: number }> {
  const written = await writtenPartitions(context.store, channel.name)
  return { partitions: Math.max(1, written, channel.partitions?.count ?? 1), written }
}

/** The number of partitions in the table: 0 for a channel that was always declared with one log. */
export async function writtenPartitions(store: Pick<Store, 'readSlotsBefore'>, name: string): Promise<number> {
  const { slots } = await store.readSlotsBefore(countTopicOf({ name }), undefined, 1)
  return slots[0]?.offset ?? 0
}

/**
 * Throws a `TRPCError` BAD_REQUEST for a partition that no version has declared, whose log would be empty for ever.
 * Reads the table only for one that this version does not declare.
 */
export async function checkDeclared(context: RuntimeContext, channel: ChannelDefinition, index: number): Promise<void> {
  if (index < (channel.partitions?.count ?? 1)) return
  const { partitions } = await countToRead(context, channel)
  if (index < partitions) return
  const message = `Expected a partition of channel ${channel.name} from 0 to ${partitions - 1}, got ${index}. Add partitions to the channel, or choose one of these.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
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

/** One slot for each partition, as each log is without a hole. [LAW-SLOT-PUT] */
async function writeCount(
  context: RuntimeContext,
  channel: ChannelDefinition,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const time = context.clock.now()
  for (let offset = from + 1; offset <= to; offset++) {
    const slot: Slot = {
      offset,
      epoch: 'partitions',
      publishId: randomName(context.clock, 20),
      time,
      expires: Math.ceil(time / 1_000) + never,
    }
    await context.store.putSlot(countTopicOf(channel), slot) // taken: another function writes the same number
  }
}
