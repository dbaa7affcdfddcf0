import type { Json } from '../../define/json.ts'
import type { PipeStep, SubscriptionDescriptor } from '../../define/subscription.ts'
import { partitionOfTopic } from '../../define/topic.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ContextDetails } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { topicChanged } from '../context/trunkline-error.ts'
import { describeSubscription } from './run-procedure.ts'

/**
 * Runs a subscriber's procedure again to get its `filter` and `map`. Throws what its middlewares throw, and
 * TOPIC_CHANGED when it now returns another topic.
 */
export async function describePipe(
  context: InvocationContext,
  row: Pick<Subscriber, 'path' | 'input' | 'topic'>,
  facts: ContextDetails,
): Promise<readonly PipeStep[]> {
  const { transformer } = context.server.router._def._config
  const described = await describeSubscription(context.server, {
    path: row.path,
    input: transformer.input.deserialize(row.input === undefined ? undefined : (JSON.parse(row.input) as Json)),
    facts,
    signal: context.deadline.signal,
    batchIndex: 0,
  })
  if (described.status !== 'channel' || !follows(described.descriptor, row)) throw topicChanged(row.path)
  return described.descriptor.pipe
}

/** Whether the log of a row is the subscription's. One of all partitions has each of their logs. */
function follows({ topic, partitions }: SubscriptionDescriptor, row: Pick<Subscriber, 'topic'>): boolean {
  return topic === (partitions?.only === undefined ? partitionOfTopic(row.topic).topic : row.topic)
}
