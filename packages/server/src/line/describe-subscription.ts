import { TRPCError } from '@trpc/server'
import { maxPartitions, parsePartitionId, withDocs } from '@trunkline/protocol'
import type { ChannelDefinition } from '../define/definition.ts'
import type { PartitionRules } from '../define/partitions.ts'
import type { SubscribeOptions, SubscriptionDescriptor } from '../define/subscription.ts'
import { topicOfPartition } from '../define/topic.ts'
import type { RuntimeContext } from '../runtime/context/runtime-context.ts'
import { fittingNow, topicNameOf } from '../runtime/log/validate-event.ts'
import { iterate } from '../runtime/subscriptions/iterate.ts'

/** How a channel gets the context that it runs in. */
export interface ContextAccess {
  /** The current context. Throws if the line has no backend and the environment names none. */
  readonly context: () => RuntimeContext
  /** The context that `withBackend` or a function of the line has entered, if any. */
  readonly entered: () => RuntimeContext | undefined
}

/** Describes a subscription of a channel. Throws a `TRPCError` BAD_REQUEST if the key or `replay` is invalid. */
export function describeSubscription(
  { context, entered }: ContextAccess,
  channel: ChannelDefinition,
  key: unknown,
  options: SubscribeOptions = {},
): SubscriptionDescriptor {
  const captured = entered() // iteration runs outside of this context
  return {
    channel,
    topic: topicNameOf(channel, fittingNow(channel, 'key', key)),
    replay: checkedReplay(options.replay ?? 0),
    lastEventId: options.lastEventId ?? lastEventIdIn(key),
    pipe: [],
    ...(options.signal && { signal: options.signal }),
    iterate: (descriptor) => {
      if ((captured?.server ?? entered()?.server) !== undefined) refuseIteration(channel)
      return iterate(captured ?? context(), descriptor)
    },
  }
}

/** The same for a channel with partitions. Throws BAD_REQUEST also for a `partition` that is none. */
export function describePartitioned(
  access: ContextAccess,
  channel: ChannelDefinition & { readonly partitions: PartitionRules },
  key: unknown,
  { partition, ...options }: SubscribeOptions & { readonly partition?: number } = {},
): SubscriptionDescriptor {
  const descriptor = describeSubscription(access, channel, key, options)
  const { count } = channel.partitions
  if (partition !== undefined) {
    const only = checkPartition(channel.name, partition)
    const lastEventId = descriptor.lastEventId && parsePartitionId(descriptor.lastEventId).cursor
    return { ...descriptor, topic: topicOfPartition(descriptor.topic, only), lastEventId, partitions: { count, only } }
  }
  const iterateOne = descriptor.iterate
  const iterate = (iterated: SubscriptionDescriptor) => {
    if (count > 1) throw mergeElsewhere(channel.name, count)
    return iterateOne(iterated)
  }
  return { ...descriptor, partitions: { count }, iterate }
}

/** The number of a partition. Another version of the application may have more partitions than this one. */
export function checkPartition(channel: string, partition: unknown): number {
  if (Number.isInteger(partition) && (partition as number) >= 0 && (partition as number) < maxPartitions)
    return partition as number
  const got = typeof partition === 'number' ? partition : typeof partition
  const message = `Expected a partition of channel ${channel} from 0, below its number of partitions, got ${got}.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

function mergeElsewhere(channel: string, count: number): TRPCError {
  return new TRPCError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `Channel ${channel} has ${count} partitions, which are merged by a client of the line and not by iterating. Iterate each: subscribe(key, { partition }).`,
  })
}

function checkedReplay(replay: number): number {
  if (Number.isSafeInteger(replay) && replay >= 0) return replay
  const got = typeof replay === 'number' ? replay : typeof replay
  const message = `Expected replay to be a whole number of events from 0, got ${got}.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

/** tRPC passes the cursor in the procedure's input, which many resolvers pass on as the key. */
function lastEventIdIn(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || !('lastEventId' in key)) return undefined
  return typeof key.lastEventId === 'string' ? key.lastEventId : undefined
}

function refuseIteration(channel: ChannelDefinition): never {
  throw new Error(
    withDocs(
      'procedures',
      `Return the subscription of ${channel.name} from the procedure instead of iterating it: iterating would hold a function for each subscriber. (For its .output() there is eventsOf, which does not iterate.)`,
    ),
  )
}
