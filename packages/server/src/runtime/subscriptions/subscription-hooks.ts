import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { PresenceSeat } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Replay } from '../log/replay.ts'
import { presenceHooks } from '../presence/join.ts'

/** What a kind of subscription adds to the steps of a subscribe. */
export interface SubscriptionHooks {
  /** Added to the connection's row of the subscription. */
  readonly claim: { readonly seat?: PresenceSeat }
  /** Added to the topic's row. */
  readonly row: Pick<Subscriber, 'presence'>
  /** Milliseconds between the client's keepalives; undefined where the client's own interval is enough. */
  readonly keepaliveMs: number | undefined
  /** Runs before the connection's row is claimed. */
  beforeClaim(): Promise<void>
  /** Runs when the topic's row is put. `isOpen` checks the connection. False when the subscription has ended meanwhile. */
  registered(row: Subscriber, isOpen: () => Promise<boolean>): Promise<boolean>
  /** Runs before the log is read. `lastEventId` is the client's cursor, if it resumes. */
  resumed(lastEventId: string | undefined): Promise<void>
  /** Loads the state that the subscription begins with, and the place of the log that it is exact at. Absent: it begins with none. */
  readonly loadState?: (found: Replay) => Promise<{ readonly at: Replay; readonly state: unknown }>
  /** Runs when the beginning failed with `thrown`. */
  failed(thrown: unknown): Promise<void>
}

/** One attempt to subscribe. */
export interface SubscribeAttempt {
  readonly caller: ConnectionCaller
  readonly descriptor: SubscriptionDescriptor
  readonly attempt: Pick<Subscriber, 'connectionId' | 'id' | 'ref' | 'topic'>
}

/** The hooks of a subscription's kind: of a presence, or of a log or an ephemeral channel. */
export function hooksOf(scope: InvocationContext, subscribing: SubscribeAttempt): SubscriptionHooks {
  const { presence } = subscribing.descriptor
  return presence === undefined
    ? channelHooks(scope, subscribing.descriptor)
    : presenceHooks(scope, { ...subscribing, presence })
}

/** A log or an ephemeral channel adds nothing but the state of `startWith`. */
function channelHooks(scope: InvocationContext, { load }: SubscriptionDescriptor): SubscriptionHooks {
  return {
    claim: {},
    row: {},
    keepaliveMs: undefined,
    beforeClaim: async () => {},
    registered: (_, isOpen) => isOpen(),
    resumed: async () => {},
    ...(load !== undefined && {
      loadState: async (at: Replay) => ({
        at,
        state: await withinDeadline(scope.deadline.signal, Promise.resolve(load())),
      }),
    }),
    failed: async () => {},
  }
}
