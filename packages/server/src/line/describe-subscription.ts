import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../define/definition.ts'
import type { SubscribeOptions, SubscriptionDescriptor } from '../define/subscription.ts'
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
    `Return the subscription of ${channel.name} from the procedure instead of iterating it: iterating would hold a function for each subscriber. (For its .output() there is eventsOf, which does not iterate.)`,
  )
}
