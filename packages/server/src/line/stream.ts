import { checkOptionNames } from '@trunkline/protocol'
import type * as core from 'zod/v4/core'
import type { ChannelDefinition } from '../define/definition.ts'
import { streamReadNames, streamSubscribeNames } from '../define/option-names.ts'
import type { Stream, StreamPage, StreamSubscription } from '../define/stream.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { type ContextAccess, describeSubscription } from './describe-subscription.ts'
import { operations } from './operations.ts'

/** A stream of a line. It resolves the line's backend at each call. */
export function createStream<K extends KeySchema, I extends EventSchema, C extends EventSchema>(
  definition: ChannelDefinition<K, C>,
  input: I,
  access: ContextAccess,
): Stream<K, I, C> {
  const { context } = access
  const { name, key, event: chunk } = definition
  const refOf = async (topicKey: unknown) => {
    const runtime = operations.loaded ?? (await operations.load())
    return [runtime.streamOf(definition, await topicOf(definition, topicKey)), runtime] as const
  }
  return {
    name,
    key,
    input,
    chunk,
    start: async (topicKey, given) => {
      const { startStream } = operations.loaded ?? (await operations.load())
      return startStream(context(), definition, { key: topicKey, input: given })
    },
    stop: async (topicKey) => {
      const [ref, { stopStream }] = await refOf(topicKey)
      return stopStream(context(), ref)
    },
    read: async (topicKey, options = {}) => {
      checkOptionNames(`read of stream ${name}`, options, streamReadNames)
      const [ref, { readStreamPage }] = await refOf(topicKey)
      const page = await readStreamPage(context(), ref, options)
      return page as StreamPage<core.output<C>> // `chunk` parsed each of them when it was produced
    },
    status: async (topicKey) => {
      const [ref, { readStatus }] = await refOf(topicKey)
      return readStatus(context(), ref)
    },
    erase: async (topicKey) => {
      const [ref, { eraseStream }] = await refOf(topicKey)
      return eraseStream(context(), ref)
    },
    subscribe(topicKey, options = {}) {
      checkOptionNames(`subscribe of stream ${name}`, options, streamSubscribeNames)
      const subscription = createSubscription<core.output<C>>(
        describeSubscription(access, definition, topicKey, options),
      )
      return subscription as unknown as StreamSubscription<core.output<C>> // a subscription without `startWith`
    },
  }
}
