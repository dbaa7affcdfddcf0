import { TRPCError } from '@trpc/server'
import type { ChannelDefinition } from '../define/definition.ts'
import type { SubscribeOptions, SubscriptionDescriptor } from '../define/subscription.ts'
import type { RuntimeContext } from '../runtime/context/scope.ts'
import { fittingNow, topicNameOf } from '../runtime/log/match-channel.ts'
import { iterate } from '../runtime/subscriptions/iterate.ts'

/** How a channel reaches what its line is bound to. */
export interface Reach {
  /** Throws where nothing is bound and the environment names nothing. */
  readonly scope: () => RuntimeContext
  /** What was entered here, by `run` or by one of the line's functions. */
  readonly entered: () => RuntimeContext | undefined
}

export function describeSubscription(
  { scope, entered }: Reach,
  channel: ChannelDefinition,
  key: unknown,
  options: SubscribeOptions = {},
): SubscriptionDescriptor {
  const captured = entered() // iteration happens outside of it
  return {
    channel,
    topic: topicNameOf(channel, fittingNow(channel, 'key', key)),
    replay: checkedReplay(options.replay ?? 0),
    lastEventId: options.lastEventId ?? lastEventIdIn(key),
    pipe: [],
    ...(options.signal && { signal: options.signal }),
    iterate: (descriptor) => {
      if ((captured?.server ?? entered()?.server) !== undefined) refuseIteration(channel)
      return iterate(captured ?? scope(), descriptor)
    },
  }
}

function checkedReplay(replay: number): number {
  if (Number.isSafeInteger(replay) && replay >= 0) return replay
  const got = typeof replay === 'number' ? replay : typeof replay
  const message = `Expected replay to be a whole number of events from 0, got ${got}.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

/** tRPC hands the cursor over in the procedure's input, which is often given as the key whole. */
function lastEventIdIn(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || !('lastEventId' in key)) return undefined
  return typeof key.lastEventId === 'string' ? key.lastEventId : undefined
}

function refuseIteration(channel: ChannelDefinition): never {
  throw new Error(
    `Return the subscription of ${channel.name} from the procedure instead of iterating it: iterating would hold a function for each subscriber. (For its .output() there is eventsOf, which does not iterate.)`,
  )
}
