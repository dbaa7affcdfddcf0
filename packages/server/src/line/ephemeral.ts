import type { Ephemeral } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { createEntry } from '../define/entry.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { publishEphemeral } from '../runtime/publish.ts'
import type { Reach } from './describe-subscription.ts'
import { describeSubscription } from './describe-subscription.ts'
export function createEphemeral(definition: ChannelDefinition, reach: Reach): Ephemeral<KeySchema, EventSchema> {
  const { scope } = reach
  const { name, key, event } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published) => publishEphemeral(scope(), definition, topicKey, published),
    subscribe: (topicKey) => createSubscription(describeSubscription(reach, definition, topicKey)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}
