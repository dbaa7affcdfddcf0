import type * as core from 'zod/v4/core'
import type { Ephemeral } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { createEntry } from '../define/entry.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { publishEphemeral } from '../runtime/publish.ts'
import type { ContextAccess } from './describe-subscription.ts'
import { describeSubscription } from './describe-subscription.ts'

/** An ephemeral channel of a line. It resolves the line's backend at each call. */
export function createEphemeral<K extends KeySchema, E extends EventSchema>(
  definition: ChannelDefinition<K, E>,
  access: ContextAccess,
): Ephemeral<K, E> {
  const { context } = access
  const { name, key, event } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published) => publishEphemeral(context(), definition, topicKey, published),
    subscribe: (topicKey) => createSubscription<core.output<E>>(describeSubscription(access, definition, topicKey)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}
