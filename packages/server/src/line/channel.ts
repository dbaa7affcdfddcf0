import type * as core from 'zod/v4/core'
import type { Channel, Ephemeral, Page } from '../define/channel.ts'
import type { ChannelDefinition } from '../define/definition.ts'
import { createEntry } from '../define/entry.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { eraseEvent } from '../runtime/erase-event.ts'
import { readPage } from '../runtime/log/read-page.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { publish, publishEphemeral } from '../runtime/publish.ts'
import type { ContextAccess } from './describe-subscription.ts'
import { describeSubscription } from './describe-subscription.ts'

/** A channel of a line. It resolves the line's backend at each call. */
export function createChannel<K extends KeySchema, E extends EventSchema>(
  definition: ChannelDefinition<K, E>,
  access: ContextAccess,
): Channel<K, E> {
  const { context } = access
  const { name, key, event, retentionMs = 0 } = definition
  return {
    name,
    key,
    event,
    publish: async (topicKey, published, options) =>
      publish(context(), definition, { ...options, key: topicKey, event: published }),
    read: async (topicKey, options = {}) => {
      const topic = await topicOf(definition, topicKey)
      const page = await readPage(context(), { topic, retentionMs }, options)
      return page as Page<core.output<E>> // `event` validated each of them when it was published
    },
    erase: async (topicKey, erased) => eraseEvent(context(), await topicOf(definition, topicKey), erased),
    subscribe: (topicKey, options) =>
      createSubscription<core.output<E>>(describeSubscription(access, definition, topicKey, options)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}

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
    publish: async (topicKey, published) =>
      publishEphemeral(context(), definition, { key: topicKey, event: published }),
    subscribe: (topicKey) => createSubscription<core.output<E>>(describeSubscription(access, definition, topicKey)),
    entry: (topicKey, published) => createEntry(definition, topicKey, published),
  }
}
