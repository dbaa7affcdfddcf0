import { type PartitionRequest, positionIn } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import { topicOfPartition } from '../../define/topic.ts'
import type { Caller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { topicChanged } from '../context/trunkline-error.ts'
import { PartitionedSubscription } from '../procedures/partitioned-subscription.ts'
import { addedAt, checkDeclared, countToRead } from './partition-count.ts'
import { type LogRef, type Replay, replayFrom, replayNewest } from './replay.ts'

/** What a subscribe says about partitions. */
export interface PartitionQuestion {
  /** The client can merge the partitions of a channel. */
  readonly merges: boolean
  /** The partition that it asks for. */
  readonly partition?: PartitionRequest | undefined
}

interface Asked {
  readonly caller: Pick<Caller, 'extensions'>
  readonly request: PartitionQuestion & { readonly path: string }
}

/**
 * The subscription to the partition that a subscribe asks for, or the given one if its channel has one log. Throws
 * `PartitionedSubscription` for a subscribe to all partitions of a channel: one subscription has one log, so a client
 * that can merge opens one for each. Throws BAD_REQUEST for a partition that the channel does not have.
 */
// [TL-PART-3] [TL-PART-4]
export async function placePartition(
  context: InvocationContext,
  { caller, request }: Asked,
  descriptor: SubscriptionDescriptor,
): Promise<SubscriptionDescriptor> {
  const { partitions, channel, load } = descriptor
  const { path, merges, partition } = request
  if (partitions?.only !== undefined) await checkDeclared(context, channel, partitions.only)
  if (partition === undefined || !caller.extensions) {
    if (partitions === undefined || partitions.only !== undefined) return descriptor
    const { partitions: count } = await countToRead(context, channel)
    if (count === 1) return descriptor
    throw new PartitionedSubscription(path, {
      count,
      hasState: load !== undefined,
      isAsked: merges && caller.extensions,
    })
  }
  const hasOneLog = channel.retentionMs === undefined || channel.stream !== undefined || channel.presence !== undefined
  if (hasOneLog || partitions?.only !== undefined) throw topicChanged(path)
  const { load: _, lastEventId: __, ...rest } = descriptor
  return {
    ...rest,
    ...placeOf(partition, descriptor.lastEventId),
    topic: topicOfPartition(descriptor.topic, partition.index),
    ...(load !== undefined && loadsState(partition) && { load }),
  }
}

/** Where a partition begins if its client has no position in it. */
// [TL-PART-8]
function placeOf({ index, count, at }: PartitionRequest, position: string | undefined) {
  const given = at ?? (position === undefined ? 'new' : (positionIn(position, index) ?? 'start'))
  if (given === 'new') return { partition: { index, count }, lastEventId: undefined }
  if (given === 'start') return { partition: { index, count, at: given }, lastEventId: undefined } as const
  return { partition: { index, count }, lastEventId: given }
}

/** Whether a partition loads the state of `startWith`: the last one, which a client opens when all others are live. */
// [TL-PART-5]
function loadsState({ index, count, at }: PartitionRequest): boolean {
  return index === count - 1 && at !== 'start'
}

/**
 * Reads a partition from its first event. A gap if the partition is so old that events of it may have expired, and for
 * partition 0, which has always existed.
 */
// [TL-PART-6]
export async function replayFromStart(
  context: InvocationContext,
  log: LogRef,
  { channel, partition }: Pick<SubscriptionDescriptor, 'channel' | 'partition'>,
): Promise<Replay> {
  const index = partition?.index ?? 0
  const newest = await replayNewest(context, log, 0) // an empty log gets its epoch
  if (index === 0) return { ...newest, gap: 'not-resumable' }
  const added = await addedAt(context, channel, index)
  if (added !== undefined && added + log.retentionMs <= context.clock.now()) return { ...newest, gap: 'expired' }
  return replayFrom(context, log, { epoch: newest.head.epoch, offset: 0 })
}
