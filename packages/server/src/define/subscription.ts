import type { TrackedEnvelope } from '@trpc/server'
import { type PartitionRequest, withDocs } from '@trunkline/protocol'
import type { ChannelDefinition, PresenceInterest } from './definition.ts'

/** One `filter` or `map` of a subscription, in the order they were written. */
export type PipeStep =
  | { readonly kind: 'filter'; readonly keep: (event: unknown) => boolean }
  | { readonly kind: 'map'; readonly fn: (event: unknown) => unknown }

/** Which events a subscription gets, and in what form. A resolver declares it by returning the subscription. */
export interface SubscriptionDescriptor {
  readonly channel: ChannelDefinition
  readonly topic: string
  /** The number of past events that a new subscription begins with. */
  readonly replay: number
  /** The cursor in the procedure's input. */
  readonly lastEventId: string | undefined
  readonly pipe: readonly PipeStep[]
  /** Present for a channel with partitions; `only`: the partition that the procedure chose, whose log `topic` is. */
  readonly partitions?: { readonly count: number; readonly only?: number }
  /** The partition that the client asked for. `topic` is its log. */
  readonly partition?: PartitionRequest
  /** Loads the state that a new subscription begins with. Called after its position in the log is fixed. */
  readonly load?: () => unknown
  /** Present for a presence: its state is the members' rows. */
  readonly presence?: PresenceInterest
  /** Ends an iteration. */
  readonly signal?: AbortSignal
  /** Iterates it outside of a line's functions. */
  readonly iterate: (descriptor: SubscriptionDescriptor) => AsyncIterator<unknown, void, void>
}

/** Where a subscription begins. */
export interface SubscribeOptions {
  /**
   * The number of past events that a new subscription begins with, newest last. A resumed one ignores it. @default 0
   */
  readonly replay?: number
  /** The cursor to resume from. Only for tRPC's own adapters, which pass it in the input; a line's handlers know it. */
  readonly lastEventId?: string | null | undefined
  /**
   * Ends the iteration, outside of a line's functions. Pass the resolver's `signal` on tRPC's SSE adapters: without
   * pings, a resolver has no other sign that the client is gone.
   */
  readonly signal?: AbortSignal | undefined
}

/**
 * A live subscription that has not started. Return it from the resolver. Iterating it in one of the line's functions
 * (`yield*`, `for await`) throws an `Error`, because that would occupy a function for each subscriber. On tRPC's own
 * adapters and in a script, iteration polls the log.
 */
export interface Subscription<T> extends AsyncIterable<TrackedEnvelope<T>, void, void> {
  /**
   * Keeps the events for which it returns true. A delivery runs the procedure again for each event and subscriber, its
   * middlewares and awaits included, so keep both cheap. The procedure's input is stored for that: at most 4 KB (see
   * `maxStoredInputBytes` of `createLambdaHandlers`). A larger input is refused with TOO_LARGE.
   */
  filter<S extends T>(guard: (event: T) => event is S): Subscription<S>
  /** Keeps the events for which it returns true, at the cost of the form above. */
  filter(keep: (event: T) => boolean): Subscription<T>
  /** Converts each event. It costs what `filter` costs. */
  map<U>(fn: (event: T) => U): Subscription<U>
  /**
   * Begins with the state that `load` returns, which is consistent with the events after it. After a gap it begins
   * again with a new state, so that the application need not handle gaps. Call it last. Give `S` a `type` that no event
   * has.
   */
  startWith<S>(load: () => S | Promise<S>): SnapshotSubscription<S | T>
}

/** A subscription that begins with a state. */
export interface SnapshotSubscription<T> extends AsyncIterable<TrackedEnvelope<T>, void, void> {}

/** A live subscription of an ephemeral channel: its events have no ids. */
export interface EphemeralSubscription<T> extends AsyncIterable<T, void, void> {
  /** Keeps the events for which it returns true. It costs what the `filter` of a channel's subscription costs. */
  filter<S extends T>(guard: (event: T) => event is S): EphemeralSubscription<S>
  /** Keeps the events for which it returns true, at the cost of the form above. */
  filter(keep: (event: T) => boolean): EphemeralSubscription<T>
  /** Converts each event. It costs what `filter` costs. */
  map<U>(fn: (event: T) => U): EphemeralSubscription<U>
}

const descriptorKey: unique symbol = Symbol.for('trunkline.subscription')

/**
 * Creates the value that a resolver returns. It has its descriptor under a symbol. It has no `then` and no `subscribe`,
 * by which tRPC would take it for a promise or an observable.
 */
export function createSubscription<T>(descriptor: SubscriptionDescriptor): Subscription<T> & EphemeralSubscription<T> {
  const withStep = (step: PipeStep) => createSubscription<never>({ ...descriptor, pipe: [...descriptor.pipe, step] })
  const subscription = {
    [descriptorKey]: descriptor,
    filter(keep: (event: never) => boolean) {
      checkFunction('filter', keep)
      return withStep({ kind: 'filter', keep: keep as (event: unknown) => boolean })
    },
    map(fn: (event: never) => unknown) {
      checkFunction('map', fn)
      return withStep({ kind: 'map', fn: fn as (event: unknown) => unknown })
    },
    startWith(load: () => unknown) {
      checkFunction('startWith', load)
      return createSubscription<never>({ ...descriptor, load })
    },
    [Symbol.asyncIterator]: () => descriptor.iterate(descriptor),
  }
  return subscription as unknown as Subscription<T> & EphemeralSubscription<T> // `iterate` yields as each declares
}

/** Throws a `TypeError` here, since a delivery or a load would fail later and again and again. */
function checkFunction(name: string, value: unknown): void {
  if (typeof value === 'function') return
  throw new TypeError(
    withDocs('procedures', `Expected ${name} to get a function, got ${typeof value}. Write ${name}(() => …).`),
  )
}

/** The descriptor of a resolver's result, if it is a subscription of a channel. */
export function descriptorOf(value: unknown): SubscriptionDescriptor | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [descriptorKey]?: SubscriptionDescriptor })[descriptorKey]
}

/** Applies the steps to one event. Returns undefined if a filter removes it. Throws what a step throws. */
export function applyPipe(pipe: readonly PipeStep[], event: unknown): { readonly event: unknown } | undefined {
  let current = event
  for (const step of pipe) {
    if (step.kind === 'map') current = step.fn(current)
    else if (!step.keep(current)) return undefined
  }
  return { event: current }
}
