import type { TrackedEnvelope } from '@trpc/server'
import type { ChannelDefinition, PresenceInterest } from './definition.ts'

/** One `filter` or `map` of a subscription, in the order they were written. */
export type PipeStep =
  | { readonly kind: 'filter'; readonly keep: (event: unknown) => boolean }
  | { readonly kind: 'map'; readonly fn: (event: unknown) => unknown }

/** What a resolver said by returning a subscription. */
export interface SubscriptionDescriptor {
  readonly channel: ChannelDefinition
  readonly topic: string
  /** Events from before now that a fresh subscription begins with. */
  readonly replay: number
  /** A cursor that came in the procedure's input. */
  readonly lastEventId: string | undefined
  readonly pipe: readonly PipeStep[]
  /** Loads the state that a fresh subscription begins with, after its position was taken. */
  readonly load?: () => unknown
  /** Of presence: the state comes from the members' rows. */
  readonly presence?: PresenceInterest
  /** Ends an iteration. */
  readonly signal?: AbortSignal
  /** How to iterate it where no line serves it. */
  readonly iterate: (descriptor: SubscriptionDescriptor) => AsyncIterator<unknown, void, void>
}

export interface SubscribeOptions {
  /** Events from before now that a fresh subscription begins with, newest last. A resumed one ignores it. @default 0 */
  readonly replay?: number
  /** Only for tRPC's own adapters, which hand the cursor over in the input; a line's handlers know it. */
  readonly lastEventId?: string | null | undefined
  /** Only where no line serves it: ends the iteration. tRPC's SSE adapters tell a resolver by its `signal` that the client has gone, and by nothing else unless pings are on. */
  readonly signal?: AbortSignal | undefined
}

/**
 * A live subscription, not yet started. Return it from the resolver. Iterating it inside one of the line's functions (`yield*`, `for await`) throws and says so: it would hold a function for each subscriber.
 * On tRPC's own adapters, and in a script, it iterates by polling the log.
 */
export interface Subscription<T> extends AsyncIterable<TrackedEnvelope<T>, void, void> {
  /** Keeps the events for which it is true. Delivery then runs the procedure again for each event and subscriber, its middlewares and awaits included: keep both cheap. The procedure's input is stored for it: at most 4 KB, see `maxStoredInputBytes` of `createLambdaHandlers`; a larger one is refused with TOO_LARGE. */
  filter<S extends T>(guard: (event: T) => event is S): Subscription<S>
  filter(keep: (event: T) => boolean): Subscription<T>
  /** Another shape for the client. Costs as `filter` does. */
  map<U>(fn: (event: T) => U): Subscription<U>
  /** Begins with the state that `load` returns, consistent with the events after it, and begins again with it after a gap, so that a gap needs no handler. Last in the chain. Give `S` a `type` that no event has. */
  startWith<S>(load: () => S | Promise<S>): SnapshotSubscription<S | T>
}

/** A subscription that begins with a state. */
export interface SnapshotSubscription<T> extends AsyncIterable<TrackedEnvelope<T>, void, void> {}

/** A live subscription of an ephemeral channel: events come bare, without ids. */
export interface EphemeralSubscription<T> extends AsyncIterable<T, void, void> {
  filter<S extends T>(guard: (event: T) => event is S): EphemeralSubscription<S>
  filter(keep: (event: T) => boolean): EphemeralSubscription<T>
  map<U>(fn: (event: T) => U): EphemeralSubscription<U>
}

const descriptorKey: unique symbol = Symbol.for('trunkline.subscription')

/** Makes the value that a resolver returns. It carries its descriptor under a symbol, and neither `then` nor `subscribe`, which tRPC would take for a promise or an observable. */
export function createSubscription<T>(descriptor: SubscriptionDescriptor): Subscription<T> & EphemeralSubscription<T> {
  const withStep = (step: PipeStep) => createSubscription<never>({ ...descriptor, pipe: [...descriptor.pipe, step] })
  const subscription = {
    [descriptorKey]: descriptor,
    filter: (keep: (event: never) => boolean) =>
      withStep({ kind: 'filter', keep: keep as (event: unknown) => boolean }),
    map: (fn: (event: never) => unknown) => withStep({ kind: 'map', fn: fn as (event: unknown) => unknown }),
    startWith: (load: () => unknown) => createSubscription<never>({ ...descriptor, load }),
    [Symbol.asyncIterator]: () => descriptor.iterate(descriptor),
  }
  // The two interfaces differ only in what iteration yields, which the descriptor's `iterate` decides.
  return subscription as unknown as Subscription<T> & EphemeralSubscription<T>
}

/** The descriptor that a resolver's result carries, if it is a subscription of a channel. */
export function descriptorOf(value: unknown): SubscriptionDescriptor | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [descriptorKey]?: SubscriptionDescriptor })[descriptorKey]
}

/** Sends one event through the pipe: `undefined` when a filter leaves it out. Throws what a step throws. */
export function applyPipe(pipe: readonly PipeStep[], event: unknown): { readonly event: unknown } | undefined {
  let current = event
  for (const step of pipe) {
    if (step.kind === 'map') current = step.fn(current)
    else if (!step.keep(current)) return undefined
  }
  return { event: current }
}
