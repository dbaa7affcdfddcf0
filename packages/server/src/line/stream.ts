import type * as core from 'zod/v4/core'
import type { ChannelDefinition } from '../define/definition.ts'
import type { Stream, StreamPage, StreamSubscription } from '../define/stream.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { startStream, streamOf } from '../runtime/producers/start-stream.ts'
import { eraseStream, stopStream } from '../runtime/producers/stop-stream.ts'
import { readStatus, readStreamPage } from '../runtime/streams/read-stream.ts'
import { type ContextAccess, describeSubscription } from './describe-subscription.ts'

/** A stream of a line. It resolves the line's backend at each call. */
export function createStream<K extends KeySchema, I extends EventSchema, C extends EventSchema>(
  definition: ChannelDefinition<K, C>,
  input: I,
  access: ContextAccess,
): Stream<K, I, C> {
  const { context } = access
  const { name, key, event: chunk } = definition
  const refOf = async (topicKey: unknown) => streamOf(definition, await topicOf(definition, topicKey))
  return {
    name,
    key,
    input,
    chunk,
    start: async (topicKey, given) => startStream(context(), definition, { key: topicKey, input: given }),
    stop: async (topicKey) => stopStream(context(), await refOf(topicKey)),
    read: async (topicKey, options = {}) => {
      const page = await readStreamPage(context(), await refOf(topicKey), options)
      return page as StreamPage<core.output<C>> // `chunk` parsed each of them when it was produced
    },
    status: async (topicKey) => readStatus(context(), await refOf(topicKey)),
    erase: async (topicKey) => eraseStream(context(), await refOf(topicKey)),
    subscribe: (topicKey, options) =>
      createSubscription<core.output<C>>(
        describeSubscription(access, definition, topicKey, options),
      ) as unknown as StreamSubscription<core.output<C>>, // a subscription without `startWith`
  }
}
