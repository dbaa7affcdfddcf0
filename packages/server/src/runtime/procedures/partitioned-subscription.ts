import { TRPCError } from '@trpc/server'
import { channelOfTopic, partitionOfTopic } from '../../define/topic.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

interface Partitioned {
  readonly count: number
  /** Whether the subscription begins with a state. */
  readonly hasState: boolean
  /** Whether the client asked for this answer, so that it is no failure. */
  readonly isAsked: boolean
}

/** The answer to a subscribe whose channel has several logs. A client that can merge opens a subscription for each. */
// [TL-PART-3]
export class PartitionedSubscription extends TRPCError {
  readonly isAsked: boolean
  /** What the error's shape carries for the client. */
  readonly partitions: { readonly count: number; readonly state?: true }

  constructor(path: string, { count, hasState, isAsked }: Partitioned) {
    super({
      code: 'PRECONDITION_FAILED',
      message:
        `Subscription ${path} follows ${count} partitions, and this client merges none. Add mergePartitions() of ` +
        '@trunkline/client/partitions to its links, or let the procedure subscribe to one: subscribe(key, { partition }).',
    })
    this.isAsked = isAsked
    this.partitions = { count, ...(hasState && { state: true }) }
  }
}

/** An error's shape with the partitions for the client. The router's formatter may have any form. */
export function withPartitions(shape: unknown, error: TRPCError): unknown {
  if (!(error instanceof PartitionedSubscription) || typeof shape !== 'object' || shape === null) return shape
  const { data } = shape as { readonly data?: object }
  return { ...shape, data: { ...data, partitions: error.partitions } }
}

/**
 * The error for a subscription that follows the whole topic by one log, though its channel has partitions now; undefined
 * for every other one. `count`: how many it has.
 */
// [TL-PART-7]
export function outgrown(
  { channelOf }: Pick<RuntimeContext, 'channelOf'>,
  { topic, path, part }: Pick<Subscriber, 'topic' | 'path' | 'part'>,
  count = channelOf(channelOfTopic(topic))?.partitions?.count ?? 1,
): PartitionedSubscription | undefined {
  if (count === 1 || part !== undefined || partitionOfTopic(topic).index > 0) return undefined
  return new PartitionedSubscription(path, { count, hasState: false, isAsked: false })
}
